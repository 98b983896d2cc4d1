// SPDX-License-Identifier: MIT

// Calls functions of every shape of frame from goroutines whose stacks grow, shrink and are
// copied while the collector runs, and prints how often it called each.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
)

var n [8]uint64 // calls of small, large, huge, leaf, method, closure, fails, none

type node struct {
	next *node
	v    int
}

//go:noinline
func small(d int, l *node) int {
	atomic.AddUint64(&n[0], 1)
	if d == 0 {
		return l.v
	}
	return small(d-1, &node{l, d}) + 1 // the argument lives on the heap
}

//go:noinline
func large(d int, l *node) int {
	var buf [200]byte
	atomic.AddUint64(&n[1], 1)
	buf[d%200] = byte(d)
	if d == 0 {
		return l.v
	}
	return large(d-1, l) + int(buf[d%200])
}

//go:noinline
func huge(d int, p *[9000]byte) int {
	var buf [9000]byte
	atomic.AddUint64(&n[2], 1)
	buf[d] = p[d] + 1
	if d == 0 {
		return int(buf[0])
	}
	return huge(d-1, &buf)
}

// No frame and no check of the stack; its first instruction faults for nil.
//
//go:noinline
func leaf(p *node) int {
	return p.v
}

//go:noinline
func (l *node) method(a, b, c, d, e, f, g, h, i int) (int, int) {
	atomic.AddUint64(&n[4], 1)
	return l.v + a + b + c + d, e + f + g + h + i
}

//go:noinline
func fails(d int, l *node) (r int) {
	defer func() {
		atomic.AddUint64(&n[5], 1)
		if recover() != nil {
			r = -1
		}
	}()
	atomic.AddUint64(&n[6], 1)
	if d > 0 {
		return fails(d-1, l)
	}
	return leaf(l)
}

//go:nosplit
//go:noinline
func none(a int) int {
	atomic.AddUint64(&n[7], 1)
	return a ^ 5
}

func work(i int, sum *int64) {
	l := &node{nil, i}
	x, y := l.method(1, 2, 3, 4, 5, 6, 7, 8, 9)
	s := small(1000+i, l) + large(300+i, l) + huge(20, new([9000]byte)) + x + y
	for k := 0; k < 100; k++ {
		s += fails(k%5, l) + fails(0, nil) + none(k)
		atomic.AddUint64(&n[3], 2)
	}
	atomic.AddInt64(sum, int64(s))
}

func main() {
	var wg sync.WaitGroup
	var sum int64
	done := make(chan bool)
	usr := make(chan os.Signal, 100)

	debug.SetGCPercent(5)
	signal.Notify(usr, syscall.SIGUSR1)
	go func() {
		for {
			select {
			case <-done:
				return
			default:
				runtime.GC()
				syscall.Kill(os.Getpid(), syscall.SIGUSR1)
			}
		}
	}()
	for round := 0; round < 4; round++ {
		for i := 0; i < 50; i++ {
			wg.Add(1)
			go func(i int) {
				defer wg.Done()
				work(i, &sum)
			}(i)
		}
		wg.Wait()
	}
	done <- true
	<-usr
	out, err := exec.Command("/bin/echo", "child").Output()
	fmt.Print("sum ", sum, " ", string(out), err, "\n")
	names := []string{"small", "large", "huge", "leaf", "(*node).method", "fails.func1", "fails", "none"}
	for i, name := range names {
		fmt.Println("main."+name, n[i])
	}
}
