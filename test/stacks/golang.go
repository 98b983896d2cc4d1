// SPDX-License-Identifier: MIT
// As walked.c: prints stacks as the runtime finds them, and calls leaf().
package main

import (
	"fmt"
	"runtime"
)

//go:noinline
func leaf(k int) int { return k * 3 }

//go:noinline
func here() {
	var pc [64]uintptr
	n := runtime.Callers(1, pc[:])
	fmt.Print("stack")
	for _, p := range pc[:n] {
		fmt.Printf(" %x", p)
	}
	fmt.Println()
}

//go:noinline
func both(k int) int { here(); return leaf(k) + 1 }

//go:noinline
func deep(n, k int) int {
	if n == 0 {
		return both(k)
	}
	return deep(n-1, k) + 1
}

func main() {
	k := both(1) + deep(20, 2)
	c := make(chan int)
	go func() { c <- deep(3, 4) }()
	k += <-c
	if k == 99999 {
		fmt.Println(k)
	}
}
