// SPDX-License-Identifier: MIT
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let n = std::thread::spawn(move || args[1].len()).join().unwrap();
    println!("{}", std::panic::catch_unwind(|| [n][n - n]).unwrap());
    std::process::exit(3);
}
