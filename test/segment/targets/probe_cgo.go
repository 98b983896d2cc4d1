// SPDX-License-Identifier: MIT
package main

/*
#include <stdlib.h>
static int twice(int a) { return 2 * a; }
*/
import "C"

import (
	"fmt"
	"os"
)

func main() {
	done := make(chan int)
	go func() { done <- int(C.twice(C.int(len(os.Args)))) }()
	fmt.Println(<-done, os.Args[1])
	os.Exit(3)
}
