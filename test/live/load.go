// SPDX-License-Identifier: MIT
//
// load.c in Go: goroutines that call work(), whose stacks grow and move, and collections of garbage.
package main

import (
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"sync/atomic"
	"syscall"
	"unsafe"
)

const (
	run, rest, exact, kinds = 0, 1, 2, 4
	calls, end              = 1000, 0x7fffffff
)

type load struct {
	order, ready uint32
	signals      uint64
	done         [8]uint32
}

var shared *load
var sink []byte

//go:noinline
func mix(a int) int { return a*3 + 1 }

//go:noinline
func work(a, b int) int { return mix(a) + b }

//go:noinline
func more_work(n int) int {
	if n <= 0 {
		return 0
	}
	return more_work(n-1) ^ mix(n)
}

func thread(me int, ended chan int) {
	sum := 0
	for {
		order := atomic.LoadUint32(&shared.order)
		switch order % kinds {
		case run:
			for i := 0; i < 100; i++ {
				sum = work(sum, more_work(sum&63))
			}
			sink = make([]byte, 1000)
		case exact:
			if shared.done[me] != order {
				for i := 0; i < calls; i++ {
					sum = work(sum, i)
				}
			}
			fallthrough
		default:
			atomic.StoreUint32(&shared.done[me], order)
			runtime.Gosched()
		}
		if order == end {
			ended <- sum
			return
		}
	}
}

func main() {
	n, _ := strconv.Atoi(os.Args[2])
	file, err := os.OpenFile(os.Args[1], os.O_RDWR, 0)
	if err != nil {
		os.Exit(2)
	}
	page, err := syscall.Mmap(int(file.Fd()), 0, 4096, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		os.Exit(2)
	}
	shared = (*load)(unsafe.Pointer(&page[0]))
	alarms := make(chan os.Signal, 1)
	signal.Notify(alarms, syscall.SIGALRM)
	go func() {
		for range alarms {
			atomic.AddUint64(&shared.signals, 1)
		}
	}()
	every := [4]int64{0, 1000, 0, 1000}
	syscall.Syscall(syscall.SYS_SETITIMER, 0, uintptr(unsafe.Pointer(&every)), 0)
	ended := make(chan int)
	for i := 0; i < n; i++ {
		go thread(i, ended)
	}
	atomic.StoreUint32(&shared.ready, 1)
	for i := 0; i < n; i++ {
		<-ended
	}
	os.Exit(7)
}
