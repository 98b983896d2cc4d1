// SPDX-License-Identifier: MIT
//
// Panics that unwind through many frames, threads, trait objects and generics, and how often
// each function was called.
use std::collections::HashMap;
use std::panic;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;

static N: [AtomicU64; 5] = [AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0)];

struct Guard<'a>(&'a AtomicU64);
impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Relaxed);
    }
}

#[inline(never)]
fn descend(depth: u64, text: &mut String) -> u64 {
    N[0].fetch_add(1, Relaxed);
    let _guard = Guard(&N[4]);
    if depth == 0 {
        if text.len() % 2 == 1 {
            panic!("odd");
        }
        return text.len() as u64;
    }
    text.push('x');
    descend(depth - 1, text) + depth
}

#[inline(never)]
fn caught(depth: u64) -> u64 {
    N[1].fetch_add(1, Relaxed);
    panic::catch_unwind(|| descend(depth, &mut String::new())).unwrap_or(7)
}

#[inline(never)]
fn generic<T: Into<u64> + Copy>(v: &[T]) -> u64 {
    N[2].fetch_add(1, Relaxed);
    v.iter().map(|&x| x.into()).sum()
}

trait Shape {
    fn area(&self, a: u64, b: u64, c: u64, d: u64, e: u64, f: u64, g: u64) -> u64;
}
struct Square(u64);
impl Shape for Square {
    #[inline(never)]
    fn area(&self, a: u64, b: u64, c: u64, d: u64, e: u64, f: u64, g: u64) -> u64 {
        N[3].fetch_add(1, Relaxed);
        self.0 * self.0 + a + b * c + d * e + f * g // two arguments are on the stack
    }
}

fn main() {
    panic::set_hook(Box::new(|_| {}));
    let threads: Vec<_> = (0..8u64)
        .map(|t| {
            thread::spawn(move || {
                let mut seen = HashMap::new();
                let shape: Box<dyn Shape> = Box::new(Square(t));
                for i in 0..300u64 {
                    *seen.entry(i % 10).or_insert(0) += caught(i % 40);
                    *seen.entry(11).or_insert(0) += generic(&[1u32, 2, i as u32]) + shape.area(1, 2, 3, 4, 5, 6, i);
                }
                seen.values().sum::<u64>()
            })
        })
        .collect();
    let sum: u64 = threads.into_iter().map(|t| t.join().unwrap()).sum();
    println!("sum {} dropped {}", sum, N[4].load(Relaxed));
    for (i, name) in ["descend", "caught", "generic", "area"].iter().enumerate() {
        println!("{} {}", name, N[i].load(Relaxed));
    }
}
