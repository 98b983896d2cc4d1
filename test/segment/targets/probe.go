// SPDX-License-Identifier: MIT
package main

import (
	"fmt"
	"os"
)

func main() {
	done := make(chan int)
	go func() { done <- len(os.Args) }()
	fmt.Println(<-done, os.Args[1])
	os.Exit(3)
}
