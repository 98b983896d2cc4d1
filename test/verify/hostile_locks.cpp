// SPDX-License-Identifier: MIT
// bpf_spin_lock: programs that try to keep one, to give back another, or to look at it.  XDP
// programs, since the kernel has locks in few kinds.
#include "hostile.h"

#include <gtest/gtest.h>

namespace {

// r0 = an element with a lock, or the program ends
void element(hostile &c, int32_t key, int map = GEN_LOCK_ARRAY)
{
	c.st(10, -8, key), c.map(1, map), c.place(2, -8);
	c.helper(HELPER_map_lookup_elem);
	c.jne(0, 0, 2), c.ret(0);
}

void lock(hostile &c, unsigned value, int off = GEN_LOCK_OFF)
{
	c.mov(1, value), c.addi(1, off);
	c.helper(HELPER_spin_lock);
}

void unlock(hostile &c, unsigned value, int off = GEN_LOCK_OFF)
{
	c.mov(1, value), c.addi(1, off);
	c.helper(HELPER_spin_unlock);
}

hostile_case xdp(const char *name, const char *code, void (*with)(hostile &c), enum kernel_says kernel = AS_HERE,
		 const char *why = "")
{
	return {name, code, with, kernel, why, PROG_XDP};
}

const std::vector<hostile_case> locks = {
	xdp("taken and given back", nullptr, [](hostile &c) {
		element(c, 1), c.mov(6, 0), lock(c, 6), c.st(6, 0, 1), c.st(6, 16, 1), unlock(c, 6), c.ret(0); }),
	xdp("given back on one way", "V046", [](hostile &c) {
		c.random(7), element(c, 1), c.mov(6, 0), lock(c, 6), c.jne(7, 3, 3), unlock(c, 6), c.ret(0); }),
	xdp("given back twice", "V046", [](hostile &c) {
		element(c, 1), c.mov(6, 0), lock(c, 6), unlock(c, 6), unlock(c, 6), c.ret(0); }),
	xdp("another element's", "V046", [](hostile &c) {
		element(c, 1), c.mov(6, 0), element(c, 2), c.mov(7, 0), lock(c, 6), unlock(c, 7), c.ret(0); }),
	xdp("the same element, found again", "V046", [](hostile &c) {
		element(c, 1), c.mov(6, 0), element(c, 1), c.mov(7, 0), lock(c, 6), unlock(c, 7), c.ret(0); }),
	xdp("one of another map", "V046", [](hostile &c) {
		element(c, 1), c.mov(6, 0), element(c, 2, GEN_LOCK_HASH), c.mov(7, 0), lock(c, 6), unlock(c, 7), c.ret(0); }),
	xdp("two at a time", "V046", [](hostile &c) {
		element(c, 1), c.mov(6, 0), element(c, 2), c.mov(7, 0), lock(c, 6), lock(c, 7), unlock(c, 7), unlock(c, 6), c.ret(0); }),
	xdp("a spilled copy of the pointer", nullptr, [](hostile &c) {
		element(c, 1), c.mov(6, 0), c.stx(10, -16, 6), lock(c, 6), c.ldx(7, 10, -16), unlock(c, 7), c.ret(0); }),
	xdp("a spilled copy that was replaced", "V046", [](hostile &c) {
		element(c, 1), c.mov(6, 0), c.stx(10, -16, 6), element(c, 2), c.stx(10, -16, 0), lock(c, 6), c.ldx(7, 10, -16);
		unlock(c, 7), c.ret(0); }),
	xdp("one or the other", "V046", [](hostile &c) {
		c.random(9), element(c, 1), c.mov(6, 0), element(c, 2), c.mov(7, 0), lock(c, 6), c.mov(8, 6), c.jne(9, 3, 1), c.mov(8, 7);
		unlock(c, 8), c.ret(0); }),
	xdp("beside the lock", "V019", [](hostile &c) { element(c, 1), c.mov(6, 0), lock(c, 6, 4), unlock(c, 6, 4), c.ret(0); }),
	xdp("at a variable place", "V019", [](hostile &c) {
		c.random(7), c.andi(7, 8), element(c, 1), c.mov(1, 0), c.add(1, 7), c.helper(HELPER_spin_lock), c.ret(0); }),
	xdp("the value may not be there", "V019", [](hostile &c) {
		c.lookup(GEN_LOCK_ARRAY, 9), c.mov(1, 0), c.helper(HELPER_spin_lock), c.ret(0); }),
	xdp("of a map without locks", "V019", [](hostile &c) { c.value(1, 8), c.helper(HELPER_spin_lock), c.ret(0); }),
	xdp("the lock is read", "V011", [](hostile &c) { element(c, 1), c.ldx(0, 0, 8, BPFI_W), c.exit(); }),
	xdp("the lock is written", "V011", [](hostile &c) { element(c, 1), c.st(0, 8, 0, BPFI_W), c.ret(0); }),
	xdp("its last byte is written", "V011", [](hostile &c) { element(c, 1), c.st(0, 11, 0, BPFI_B), c.ret(0); }),
	xdp("it is written at a variable place", "V011", [](hostile &c) {
		c.random(7), c.andi(7, 15), element(c, 1), c.add(0, 7), c.st(0, 0, 1, BPFI_B), c.ret(0); }),
	xdp("an atomic operation on it", "V011", [](hostile &c) {
		element(c, 1), c.movi(7, 0), c.put(BPFI_STX | BPFI_ATOMIC | BPFI_W, 0, 7, 8, BPFI_ATOMIC_XCHG), c.ret(0); }),
	xdp("it is written by a helper", "V011", [](hostile &c) {
		element(c, 1), c.mov(1, 0), c.movi(2, 12), c.movi(3, 0), c.helper(HELPER_probe_read_kernel), c.ret(0); }),
	xdp("a helper while it is held", "V046", [](hostile &c) {
		element(c, 1), c.mov(6, 0), lock(c, 6), c.helper(HELPER_ktime_get_ns), unlock(c, 6), c.ret(0); }),
	xdp("a kernel function while it is held", "V046", [](hostile &c) {
		c.value(1, 0), c.movi(2, 8), c.movi(3, 0), c.place(4, -32), c.helper(HELPER_dynptr_from_mem);
		element(c, 1), c.mov(6, 0), lock(c, 6), c.place(1, -32), c.kfunc(GEN_DYNPTR_SIZE), unlock(c, 6), c.ret(0); }),
	xdp("a loop of callbacks while it is held", "V046", [](hostile &c) {
		element(c, 1), c.mov(6, 0), lock(c, 6), c.movi(1, 2), c.func(2, 0), c.movi(3, 0), c.movi(4, 0), c.helper(HELPER_loop);
		unlock(c, 6), c.ret(0);
		c.begin(), c.ret(0); }),
	xdp("a loop while it is held", nullptr, [](hostile &c) {
		element(c, 1), c.mov(6, 0), lock(c, 6), c.movi(7, 0), c.addi(7, 1), c.put(BPFI_JMP | BPFI_JLT | BPFI_K, 7, 0, -2, 9);
		unlock(c, 6), c.ret(0); }),
	xdp("taken in every turn of a loop", "V046", [](hostile &c) {
		element(c, 1), c.mov(6, 0), c.movi(7, 0), lock(c, 6), c.addi(7, 1), c.put(BPFI_JMP | BPFI_JLT | BPFI_K, 7, 0, -5, 2);
		unlock(c, 6), c.ret(0); }),
	xdp("taken in a function, given back by its caller", nullptr, [](hostile &c) {
		element(c, 1), c.mov(6, 0), c.mov(1, 6), c.call(0), unlock(c, 6), c.ret(0);
		c.begin(), c.addi(1, GEN_LOCK_OFF), c.helper(HELPER_spin_lock), c.ret(0); }),
	xdp("taken in a function that may not return with it", "V046", [](hostile &c) {
		element(c, 1), c.mov(1, 0), c.call(0), c.ret(0);
		c.begin(), c.addi(1, GEN_LOCK_OFF), c.helper(HELPER_spin_lock), c.ret(0); }),
	xdp("kept by a callback of its element", "V046", [](hostile &c) {
		c.map(1, GEN_LOCK_ARRAY), c.func(2, 0), c.movi(3, 0), c.movi(4, 0), c.helper(HELPER_for_each_map_elem), c.ret(0);
		c.begin(), c.mov(1, 3), c.addi(1, GEN_LOCK_OFF), c.helper(HELPER_spin_lock), c.ret(0); }),
	xdp("a lock of an element of the turn before", "V046", [](hostile &c) {
		element(c, 1), c.stx(10, -16, 0), c.map(1, GEN_LOCK_ARRAY), c.func(2, 0), c.place(3, -16), c.movi(4, 0);
		c.helper(HELPER_for_each_map_elem), c.ret(0);
		c.begin(), c.mov(6, 3), c.ldx(7, 4, 0), c.stx(4, 0, 3), lock(c, 6), unlock(c, 7), c.ret(0); }),
	xdp("a tail call while it is held", "V046", [](hostile &c) {
		c.mov(7, 1), element(c, 1), c.mov(6, 0), lock(c, 6), c.mov(1, 7), c.map(2, GEN_PROGS), c.movi(3, 0);
		c.helper(HELPER_tail_call), unlock(c, 6), c.ret(0); }),
	xdp("a record is held", "V046", [](hostile &c) {
		c.map(1, GEN_RINGBUF), c.movi(2, 8), c.movi(3, 0), c.helper(HELPER_ringbuf_reserve), c.jne(0, 0, 2), c.ret(0), c.mov(7, 0);
		c.lookup(GEN_LOCK_ARRAY, 1), c.mov(6, 0), c.jeq(6, 0, 6), lock(c, 6), unlock(c, 6);
		c.mov(1, 7), c.movi(2, 0), c.helper(HELPER_ringbuf_discard), c.ret(0); },
		ACCEPTS, "a program that is stopped at a lock gives records back there"),
};

}

TEST(Hostile, SpinLocks) { expect_verdicts(locks); }
