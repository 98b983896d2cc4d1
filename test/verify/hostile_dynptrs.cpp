// SPDX-License-Identifier: MIT
// Dynptrs: programs that try to break out.
#include "hostile.h"

#include <gtest/gtest.h>

namespace {

enum { D = -16, E = -32 };

// A dynptr over 24 bytes of a map value.
void memory(hostile &c, int at = D)
{
	c.value(1, 0), c.movi(2, 24), c.movi(3, 0), c.place(4, at);
	c.helper(HELPER_dynptr_from_mem);
}

void record(hostile &c, int at = D)
{
	c.map(1, GEN_RINGBUF), c.movi(2, 24), c.movi(3, 0), c.place(4, at);
	c.helper(HELPER_ringbuf_reserve_dynptr);
}

void discard(hostile &c, int at = D)
{
	c.place(1, at), c.movi(2, 0);
	c.helper(HELPER_ringbuf_discard_dynptr);
}

// r0 = `bytes` bytes of a dynptr, or NULL
void data(hostile &c, int at, int32_t bytes)
{
	c.place(1, at), c.movi(2, 0), c.movi(3, bytes);
	c.helper(HELPER_dynptr_data);
}

void slice(hostile &c, int at, int32_t bytes)
{
	c.place(1, at), c.movi(2, 0), c.movi(3, 0), c.movi(4, bytes);
	c.kfunc(GEN_DYNPTR_SLICE);
}

void clone(hostile &c, int from, int to)
{
	c.place(1, from), c.place(2, to);
	c.kfunc(GEN_DYNPTR_CLONE);
}

// r0 = bpf_loop(2, function 0, r10 + at)
void loop(hostile &c, int at)
{
	c.movi(1, 2), c.func(2, 0), c.place(3, at), c.movi(4, 0);
	c.helper(HELPER_loop);
}

const std::vector<hostile_case> gone = {
	{"memory of a discarded record", "V014", [](hostile &c) {
		record(c), data(c, D, 8), c.mov(6, 0), c.jne(6, 0, 6), discard(c), c.ret(0);
		discard(c), c.st(6, 0, 1), c.ret(0); }},
	{"a spilled copy of it", "V014", [](hostile &c) {
		record(c), data(c, D, 8), c.stx(10, -64, 0), c.jne(0, 0, 6), discard(c), c.ret(0);
		discard(c), c.ldx(6, 10, -64), c.st(6, 0, 1), c.ret(0); }},
	{"it, moved", "V014", [](hostile &c) {
		record(c), data(c, D, 8), c.mov(6, 0), c.jne(6, 0, 6), discard(c), c.ret(0);
		c.addi(6, 4), discard(c), c.st(6, 0, 1, BPFI_W), c.ret(0); }},
	{"it, by way of a map value", "V014", [](hostile &c) {
		record(c), data(c, D, 8), c.value(7, 0), c.stx(7, 0, 0), discard(c);
		c.ldx(6, 7, 0), c.jeq(6, 0, 1), c.st(6, 0, 1), c.ret(0); }},
	{"a discarded record by its clone", "V019", [](hostile &c) {
		record(c), clone(c, D, E), discard(c), data(c, E, 8), c.ret(0); }},
	{"a record discarded by its clone", "V019", [](hostile &c) {
		record(c), clone(c, D, E), discard(c, E), data(c, D, 8), c.ret(0); }},
	{"a record discarded twice, by a clone of a clone", "V019", [](hostile &c) {
		record(c), clone(c, D, E), clone(c, E, -48), discard(c, -48), discard(c, E), c.ret(0); }},
	{"discarded on one way", "V019", [](hostile &c) {
		c.random(6), record(c), c.jne(6, 3, 4), discard(c), data(c, D, 8), discard(c), c.ret(0); }},
	{"discarded in a loop", "V019", [](hostile &c) {
		record(c), c.movi(6, 0), discard(c), c.addi(6, 1), c.put(BPFI_JMP | BPFI_JLT | BPFI_K, 6, 0, -6, 2), c.ret(0); }},
	{"discarded in a callback", "V019", [](hostile &c) {
		record(c), loop(c, D), discard(c), c.ret(0);
		c.begin(), c.mov(1, 2), c.movi(2, 0), c.helper(HELPER_ringbuf_discard_dynptr), c.ret(0); }},
	{"memory that a function's discarding ended", "V014", [](hostile &c) {
		record(c), data(c, D, 8), c.mov(6, 0), c.jne(6, 0, 6), discard(c), c.ret(0);
		c.place(1, D), c.call(0), c.st(6, 0, 1), c.ret(0);
		c.begin(), c.movi(2, 0), c.helper(HELPER_ringbuf_discard_dynptr), c.ret(0); }},
	{"memory of a dynptr that a function wrote over", "V014", [](hostile &c) {
		memory(c), data(c, D, 8), c.mov(6, 0), c.jne(6, 0, 2), c.ret(0);
		c.place(1, D), c.call(0), c.st(6, 0, 1), c.ret(0);
		c.begin(), c.st(1, 8, 0), c.ret(0); }},
	{"a dynptr that a callback wrote over", "V019", [](hostile &c) {
		memory(c), loop(c, D), data(c, D, 8), c.ret(0);
		c.begin(), c.st(2, 0, 0), c.ret(0); }},
	{"a dynptr that an iterator takes the place of", "V010", [](hostile &c) {
		memory(c), c.place(1, D), c.movi(2, 0), c.movi(3, 3), c.kfunc(GEN_ITER_NEW), data(c, D, 8);
		c.place(1, D), c.kfunc(GEN_ITER_DESTROY), c.ret(0); }},
	{"a record that an iterator takes the place of", "V010", [](hostile &c) {
		record(c), c.place(1, D), c.movi(2, 0), c.movi(3, 3), c.kfunc(GEN_ITER_NEW), c.ret(0); }},
	{"an iterator that a dynptr takes the place of", "V010", [](hostile &c) {
		c.place(1, -8), c.movi(2, 0), c.movi(3, 3), c.kfunc(GEN_ITER_NEW), memory(c), c.ret(0); }},
	{"NULL, known by what is gone", "V015", [](hostile &c) {
		memory(c), data(c, D, 100), c.mov(6, 0), c.st(10, D, 0);	// r6 may be NULL, and points nowhere
		c.lookup(GEN_HASH, 5, -40), c.put(BPFI_JMP | BPFI_JEQ | BPFI_X, 0, 6, 2, 0), c.ret(0);
		c.ldx(0, 0, 0), c.exit(); }},
	{"NULL, known by what is gone, the other way", "V015", [](hostile &c) {
		memory(c), data(c, D, 100), c.mov(6, 0), c.st(10, D, 0);
		c.lookup(GEN_HASH, 5, -40), c.put(BPFI_JMP | BPFI_JNE | BPFI_X, 6, 0, 2, 0), c.ldx(0, 0, 0), c.exit(), c.ret(0); }},
	{"a record in a function's stack is left there", "V022", [](hostile &c) {
		c.call(0), c.ret(0), c.begin(), record(c), c.ret(0); }},
};

const std::vector<hostile_case> outside = {
	{"past the end of a slice", "V013", [](hostile &c) {
		memory(c), slice(c, D, 8), c.jeq(0, 0, 1), c.ldx(1, 0, 1), c.ret(0); }},
	{"past the end by a variable", "V013", [](hostile &c) {
		c.random(6), c.andi(6, 15), memory(c), data(c, D, 8), c.jeq(0, 0, 2), c.add(0, 6), c.st(0, 0, 1, BPFI_B), c.ret(0); }},
	{"in front of a slice", "V013", [](hostile &c) {
		memory(c), data(c, D, 8), c.jeq(0, 0, 1), c.st(0, -1, 1, BPFI_B), c.ret(0); }},
	{"a slice that may not be there", "V015", [](hostile &c) {
		memory(c), slice(c, D, 8), c.ldx(0, 0, 0), c.exit(); }},
	{"its lower half was compared with 0", "V015", [](hostile &c) {
		memory(c), data(c, D, 8), c.put(BPFI_JMP32 | BPFI_JEQ | BPFI_K, 0, 0, 1, 0), c.ldx(1, 0, 0), c.ret(0); }},
	{"moved before the check", "V015", [](hostile &c) {
		memory(c), data(c, D, 8), c.addi(0, 4), c.jeq(0, 0, 1), c.ldx(1, 0, 0, BPFI_W), c.ret(0); }},
	{"the other slice was checked", "V015", [](hostile &c) {
		memory(c), data(c, D, 8), c.mov(6, 0), data(c, D, 8), c.jeq(6, 0, 1), c.ldx(1, 0, 0), c.ret(0); }},
	{"a read-only slice is written", "V033", [](hostile &c) {
		memory(c), slice(c, D, 8), c.jeq(0, 0, 1), c.st(0, 0, 1), c.ret(0); }},
	{"a read-only slice is written by a helper", "V033", [](hostile &c) {
		memory(c), slice(c, D, 8), c.jeq(0, 0, 5), c.mov(1, 0), c.movi(2, 8), c.movi(3, 0);
		c.helper(HELPER_probe_read_kernel), c.movi(0, 0), c.ret(0); }},
	{"a size that is not constant", "V020", [](hostile &c) {
		c.random(6), c.andi(6, 7), memory(c), c.place(1, D), c.movi(2, 0), c.mov(3, 6), c.helper(HELPER_dynptr_data), c.ret(0); }},
	{"a size that is cut to 32 bits", "V013", [](hostile &c) {
		memory(c), c.place(1, D), c.movi(2, 0), c.imm64(3, 1ull << 32 | 8), c.helper(HELPER_dynptr_data);
		c.jeq(0, 0, 1), c.ldx(1, 0, 8), c.ret(0); }},
	{"more than the value has", "V011", [](hostile &c) {
		c.value(1, 0), c.movi(2, 65), c.movi(3, 0), c.place(4, D), c.helper(HELPER_dynptr_from_mem), c.ret(0); }},
	{"more than is left of the value", "V011", [](hostile &c) {
		c.value(1, 8), c.movi(2, 60), c.movi(3, 0), c.place(4, D), c.helper(HELPER_dynptr_from_mem), c.ret(0); }},
	{"a size that may be negative", "V020", [](hostile &c) {
		c.helper(HELPER_ktime_get_ns), c.mov(6, 0);
		c.value(1, 0), c.mov(2, 6), c.movi(3, 0), c.place(4, D), c.helper(HELPER_dynptr_from_mem), c.ret(0); }},
	{"a value that may not be there", "V015", [](hostile &c) {
		c.lookup(GEN_HASH, 5, -40), c.mov(1, 0), c.movi(2, 8), c.movi(3, 0), c.place(4, D);
		c.helper(HELPER_dynptr_from_mem), c.ret(0); }},
	{"over a lock", "V011", [](hostile &c) {
		c.lookup(GEN_LOCK_ARRAY, 1, -40), c.jne(0, 0, 2), c.ret(0), c.mov(1, 0), c.movi(2, 24), c.movi(3, 0), c.place(4, D);
		c.helper(HELPER_dynptr_from_mem), c.ret(0); }, AS_HERE, "", PROG_XDP},
	{"over the stack", "V019", [](hostile &c) {
		c.place(1, -64), c.st(1, 0, 0), c.movi(2, 8), c.movi(3, 0), c.place(4, D), c.helper(HELPER_dynptr_from_mem), c.ret(0); }},
	{"over a record", "V019", [](hostile &c) {
		c.map(1, GEN_RINGBUF), c.movi(2, 8), c.movi(3, 0), c.helper(HELPER_ringbuf_reserve), c.mov(6, 0), c.jeq(6, 0, 9);
		c.mov(1, 6), c.movi(2, 8), c.movi(3, 0), c.place(4, D), c.helper(HELPER_dynptr_from_mem);
		c.mov(1, 6), c.movi(2, 0), c.helper(HELPER_ringbuf_discard), c.ret(0); }},
	{"over a dynptr's own memory", "V019", [](hostile &c) {
		memory(c), data(c, D, 8), c.jne(0, 0, 2), c.ret(0), c.mov(1, 0), c.movi(2, 8), c.movi(3, 0), c.place(4, E);
		c.helper(HELPER_dynptr_from_mem), c.ret(0); }},
};

const std::vector<hostile_case> forged = {
	{"made of numbers", "V019", [](hostile &c) {
		c.value(6, 0), c.stx(10, D, 6), c.st(10, D + 8, 0x7fffffff), data(c, D, 8), c.ret(0); }},
	{"its size is written", "V019", [](hostile &c) {
		memory(c), c.st(10, D + 8, 0x7fffffff, BPFI_W), data(c, D, 8), c.ret(0); }},
	{"its pointer is written by a spill", "V019", [](hostile &c) {
		c.mov(6, 1), memory(c), c.stx(10, D, 6), data(c, D, 8), c.ret(0); }},
	{"a byte is written at a variable place", "V019", [](hostile &c) {
		c.random(6), c.andi(6, 31), memory(c), c.place(1, E), c.add(1, 6), c.st(1, 0, 1, BPFI_B), data(c, D, 8), c.ret(0); },
		REFUSES, "at the store"},
	{"it is written by a helper", "V010", [](hostile &c) {
		memory(c), c.place(1, D), c.movi(2, 8), c.movi(3, 0), c.helper(HELPER_probe_read_kernel), data(c, D, 8), c.ret(0); }},
	{"it is read", "V010", [](hostile &c) { memory(c), c.ldx(0, 10, D), c.exit(); }},
	{"it is read by a helper", "V010", [](hostile &c) {
		memory(c), c.map(1, GEN_RINGBUF), c.place(2, D), c.movi(3, 16), c.movi(4, 0), c.helper(HELPER_ringbuf_output), c.ret(0); }},
	{"it is written to itself", "V010", [](hostile &c) {
		memory(c), c.place(1, D), c.movi(2, 0), c.place(3, D), c.movi(4, 8), c.movi(5, 0), c.helper(HELPER_dynptr_write), c.ret(0); }},
	{"it is copied by hand", "V010", [](hostile &c) {
		memory(c), c.ldx(1, 10, D), c.stx(10, E, 1), c.ldx(1, 10, D + 8), c.stx(10, E + 8, 1), data(c, E, 8), c.ret(0); }},
	{"half a dynptr", "V019", [](hostile &c) { memory(c), data(c, D + 8, 8), c.ret(0); }},
	{"the half in front", "V019", [](hostile &c) { memory(c), data(c, D - 8, 8), c.ret(0); }},
	{"overlapping dynptrs, the older one", "V019", [](hostile &c) { memory(c), memory(c, D - 8), data(c, D, 8), c.ret(0); }},
	{"overlapping dynptrs, the newer one", nullptr, [](hostile &c) {
		memory(c), memory(c, D - 8), data(c, D - 8, 8), c.ret(0); }},
	{"an odd place", "V019", [](hostile &c) { memory(c, -20), c.ret(0); }},
	{"a variable place", "V019", [](hostile &c) {
		c.random(6), c.andi(6, 16), c.value(1, 0), c.movi(2, 24), c.movi(3, 0), c.place(4, E), c.add(4, 6);
		c.helper(HELPER_dynptr_from_mem), c.ret(0); }},
	{"past the stack", "V019", [](hostile &c) { memory(c, -8), c.ret(0); }},
	{"never made on one way", "V019", [](hostile &c) {
		c.random(6), c.st(10, D, 0), c.st(10, D + 8, 0), c.jne(6, 3, 7), memory(c), data(c, D, 8), c.ret(0); }},
	{"a map value is taken for one", "V019", [](hostile &c) {
		c.value(1, 0), c.movi(2, 0), c.movi(3, 8), c.helper(HELPER_dynptr_data), c.ret(0); }},
	{"NULL is taken for one", "V019", [](hostile &c) {
		c.movi(1, 0), c.movi(2, 0), c.movi(3, 8), c.helper(HELPER_dynptr_data), c.ret(0); }},
	{"memory is submitted as a record", "V023", [](hostile &c) { memory(c), discard(c), c.ret(0); }},
	{"a slice of a record is submitted", "V019", [](hostile &c) {
		record(c), data(c, D, 8), c.mov(6, 0), c.jeq(6, 0, 3), c.mov(1, 6), c.movi(2, 0), c.helper(HELPER_ringbuf_submit);
		discard(c), c.ret(0); }},
	{"a record is cloned over itself", "V043", [](hostile &c) { record(c), clone(c, D, D), discard(c), c.ret(0); }},
	{"its address for a caller", "V010", [](hostile &c) {
		c.place(1, -40), c.call(0), c.ldx(1, 10, -40), c.movi(2, 0), c.movi(3, 8), c.helper(HELPER_dynptr_data), c.ret(0);
		c.begin(), c.mov(6, 1), memory(c), c.place(1, D), c.stx(6, 0, 1), c.ret(0); },
		REFUSES, "where it is used"},
};

}

TEST(Hostile, DynptrsThatAreGone) { expect_verdicts(gone); }
TEST(Hostile, DynptrsOutside) { expect_verdicts(outside); }
TEST(Hostile, DynptrsForged) { expect_verdicts(forged); }
