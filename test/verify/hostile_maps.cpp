// SPDX-License-Identifier: MIT
// Maps of maps, user ring buffers, bpf_override_return: programs that try to break out.
#include "hostile.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include "kernel.h"
#include "oracle.h"

void expect_verdicts(const std::vector<hostile_case> &cases)
{
	kernel_oracle k;
	for (auto &h : cases) {
		hostile c;
		h.with(c);
		c.link();
		gen_prog p = {h.type, c.insn, 0};
		our_verdict v = verify(p);
		EXPECT_EQ(v.code, h.code ? h.code : "") << h.name << ": " << v.insn << ": " << v.text;
		if (!k.usable() || h.kernel == NOT_ASKED)
			continue;
		std::string log;
		int fd = k.load(p, &log);
		if (fd >= 0)
			close(fd);
		EXPECT_EQ(fd >= 0, h.kernel == ACCEPTS || (h.kernel == AS_HERE && !h.code))
			<< h.name << ": the kernel says " << (fd >= 0 ? "yes" : last_line(log));
	}
	if (!k.usable())
		printf("the kernel is not asked: this process may not load BPF programs\n");
}

namespace {

// r0 = the map at `key` of a map of maps, which is not NULL, or the program ends
void inner(hostile &c, int32_t key, int at = -8, int outer = GEN_OUTER_ARRAY)
{
	c.lookup(outer, key, at);
	c.jne(0, 0, 2), c.ret(0);
}

// r0 = what that map has at the key in r10 + at
void element(hostile &c, int at)
{
	c.mov(1, 0), c.place(2, at);
	c.helper(HELPER_map_lookup_elem);
}

const std::vector<hostile_case> maps_of_maps = {
	{"a map that may not be there", "V019", [](hostile &c) {
		c.lookup(GEN_OUTER_ARRAY, 0), element(c, -8), c.ret(0); }},
	{"an element that may not be there", "V015", [](hostile &c) {
		inner(c, 0), c.random(6), c.lookup(GEN_OUTER_ARRAY, 0, -16), c.jne(0, 0, 2), c.ret(0);
		c.stx(10, -8, 6), element(c, -8), c.ldx(0, 0, 0), c.exit(); }},
	{"a known key behind the end of the inner array", "V015", [](hostile &c) {
		inner(c, 0), c.st(10, -8, 4, BPFI_W), element(c, -8), c.ldx(0, 0, 0), c.exit(); }},
	{"a known key in the inner array", nullptr, [](hostile &c) {
		inner(c, 0), c.st(10, -8, 3, BPFI_W), element(c, -8), c.ldx(0, 0, 32), c.exit(); }},
	{"past the end of an inner value", "V011", [](hostile &c) {
		inner(c, 0), element(c, -8), c.jeq(0, 0, 1), c.ldx(0, 0, 36), c.ret(0); }},
	{"past its end by a variable", "V011", [](hostile &c) {
		inner(c, 0), element(c, -8), c.mov(7, 0), c.jne(7, 0, 2), c.ret(0);
		c.random(6), c.andi(6, 63), c.add(7, 6), c.ldx(0, 7, 0, BPFI_B), c.exit(); }},
	{"an inner map is written to", "V033", [](hostile &c) { inner(c, 0), c.st(0, 0, 1), c.ret(0); }},
	{"an inner map is read", "V014", [](hostile &c) { inner(c, 0), c.ldx(0, 0, 0), c.exit(); },
		ACCEPTS, "struct bpf_map has BTF there"},
	{"an inner map is moved", "V016", [](hostile &c) { inner(c, 0), c.addi(0, 8), element(c, -8), c.ret(0); }},
	{"an inner map is moved by a number that may be 0", "V016", [](hostile &c) {
		c.random(6), c.andi(6, 1), inner(c, 0), c.add(0, 6), element(c, -8), c.ret(0); }},
	{"the other lookup was checked", "V019", [](hostile &c) {
		c.lookup(GEN_OUTER_ARRAY, 0), c.mov(6, 0), c.lookup(GEN_OUTER_ARRAY, 1), c.mov(7, 0);
		c.jne(6, 0, 2), c.ret(0), c.mov(0, 7), element(c, -8), c.ret(0); }},
	{"a copy was spilled before the check", nullptr, [](hostile &c) {
		c.lookup(GEN_OUTER_ARRAY, 0), c.stx(10, -16, 0), c.jne(0, 0, 2), c.ret(0);
		c.ldx(0, 10, -16), element(c, -8), c.ret(0); }},
	{"the spilled copy was replaced after the check", "V019", [](hostile &c) {
		c.lookup(GEN_OUTER_ARRAY, 0), c.mov(6, 0), c.stx(10, -16, 0), c.jne(6, 0, 2), c.ret(0);
		c.lookup(GEN_OUTER_ARRAY, 1), c.stx(10, -16, 0), c.ldx(0, 10, -16), element(c, -8), c.ret(0); }},
	{"half of the spilled copy was replaced", "V019", [](hostile &c) {
		inner(c, 0), c.stx(10, -16, 0), c.st(10, -16, 0, BPFI_W), c.ldx(0, 10, -16), element(c, -8), c.ret(0); }},
	{"an inner value is taken for a map", "V019", [](hostile &c) {
		inner(c, 0), element(c, -8), c.jne(0, 0, 2), c.ret(0), element(c, -8), c.ret(0); }},
	{"a key past the stack", "V010", [](hostile &c) { inner(c, 0), element(c, -2), c.ret(0); }},
	{"a value that is too small", "V010", [](hostile &c) {
		inner(c, 0), c.mov(1, 0), c.place(2, -8), c.place(3, -32), c.movi(4, 0);
		c.helper(HELPER_map_update_elem), c.ret(0); }},
	{"an outer element is deleted", "V021", [](hostile &c) {
		c.st(10, -8, 0), c.map(1, GEN_OUTER_HASH), c.place(2, -8), c.helper(HELPER_map_delete_elem), c.ret(0); }},
	{"an outer element is written", "V021", [](hostile &c) {
		c.st(10, -8, 0), c.map(1, GEN_OUTER_HASH), c.place(2, -8), c.place(3, -8), c.movi(4, 0);
		c.helper(HELPER_map_update_elem), c.ret(0); }},
	{"a number instead of the map on one way", "V019", [](hostile &c) {
		c.random(6), inner(c, 0), c.jne(6, 7, 1), c.movi(0, 64), element(c, -8), c.ret(0); }},
	{"elements of the outer map, one by one", "V021", [](hostile &c) {
		c.map(1, GEN_OUTER_ARRAY), c.func(2, 0), c.movi(3, 0), c.movi(4, 0);
		c.helper(HELPER_for_each_map_elem), c.ret(0);
		c.begin(), c.ret(0); }},
	{"elements of an inner map, past the end", "V011", [](hostile &c) {
		inner(c, 0), c.mov(1, 0), c.func(2, 0), c.movi(3, 0), c.movi(4, 0);
		c.helper(HELPER_for_each_map_elem), c.ret(0);
		c.begin(), c.ldx(1, 3, 40, BPFI_B), c.ret(0); }},
	{"elements of an inner map", nullptr, [](hostile &c) {
		inner(c, 0), c.mov(1, 0), c.func(2, 0), c.movi(3, 0), c.movi(4, 0);
		c.helper(HELPER_for_each_map_elem), c.ret(0);
		c.begin(), c.ldx(1, 3, 39, BPFI_B), c.ret(0); }},
	{"equal to a map that is there", nullptr, [](hostile &c) {
		c.lookup(GEN_OUTER_ARRAY, 0), c.map(6, GEN_IN_A), c.put(BPFI_JMP | BPFI_JEQ | BPFI_X, 0, 6, 2, 0);
		c.ret(0), element(c, -8), c.ret(0); }},
	{"the lower half was compared with 0", "V019", [](hostile &c) {
		c.lookup(GEN_OUTER_ARRAY, 0), c.put(BPFI_JMP32 | BPFI_JNE | BPFI_K, 0, 0, 2, 0), c.ret(0);
		element(c, -8), c.ret(0); }},
	{"a tail call into an inner map", "V021", [](hostile &c) {
		c.mov(6, 1), inner(c, 0), c.mov(2, 0), c.mov(1, 6), c.movi(3, 0), c.helper(HELPER_tail_call), c.ret(0); }},
	{"in a loop, the map of a turn before", "V019", [](hostile &c) {
		c.movi(6, 0), c.movi(7, 0);
		c.lookup(GEN_OUTER_ARRAY, 1), c.jeq(6, 0, 4), c.mov(1, 7), c.place(2, -8), c.helper(HELPER_map_lookup_elem);
		c.movi(0, 0), c.mov(7, 0), c.addi(6, 1), c.put(BPFI_JMP | BPFI_JLT | BPFI_K, 6, 0, -14, 3), c.ret(0); }},
};

// r0 = bpf_user_ringbuf_drain(function 0, r10 - 16)
void drain(hostile &c, int map = GEN_USER_RING)
{
	c.map(1, map), c.func(2, 0), c.place(3, -16), c.movi(4, 0);
	c.helper(HELPER_user_ringbuf_drain);
}

// r0 = the first `bytes` bytes of the dynptr in r1, or NULL
void data(hostile &c, int32_t bytes)
{
	c.movi(2, 0), c.movi(3, bytes);
	c.helper(HELPER_dynptr_data);
}

const std::vector<hostile_case> user_rings = {
	{"a sample is read and changed", nullptr, [](hostile &c) {
		c.st(10, -16, 0), drain(c), c.ret(0);
		c.begin(), data(c, 8), c.jeq(0, 0, 1), c.st(0, 0, 1), c.ret(0); }},
	{"past what was asked for", "V013", [](hostile &c) {
		drain(c), c.ret(0);
		c.begin(), data(c, 8), c.jeq(0, 0, 1), c.ldx(1, 0, 8, BPFI_B), c.ret(0); }},
	{"in front of it", "V013", [](hostile &c) {
		drain(c), c.ret(0);
		c.begin(), data(c, 8), c.jeq(0, 0, 1), c.ldx(1, 0, -8), c.ret(0); }},
	{"a sample that may be shorter", "V015", [](hostile &c) {
		drain(c), c.ret(0);
		c.begin(), data(c, 8), c.ldx(1, 0, 0), c.ret(0); }},
	{"the sample's memory after the callback", "V014", [](hostile &c) {
		c.value(6, 0), c.stx(10, -16, 6), drain(c), c.ldx(1, 10, -16), c.st(1, 0, 1), c.ret(0);
		c.begin(), c.mov(6, 2), data(c, 8), c.jeq(0, 0, 1), c.stx(6, 0, 0), c.ret(0); }},
	{"the sample's memory in the next turn", "V014", [](hostile &c) {
		c.value(6, 0), c.stx(10, -16, 6), drain(c), c.ret(0);
		c.begin(), c.ldx(7, 2, 0), c.st(7, 0, 1), c.mov(6, 2), data(c, 8), c.jeq(0, 0, 1), c.stx(6, 0, 0), c.ret(0); }},
	{"a clone's memory after the callback", "V014", [](hostile &c) {
		c.value(6, 0), c.stx(10, -16, 6), drain(c), c.ldx(1, 10, -16), c.st(1, 0, 1), c.ret(0);
		c.begin(), c.mov(6, 2), c.place(2, -16), c.kfunc(GEN_DYNPTR_CLONE), c.place(1, -16), data(c, 8);
		c.jeq(0, 0, 1), c.stx(6, 0, 0), c.ret(0); }},
	{"a clone in the caller's stack after the callback", "V019", [](hostile &c) {
		c.st(10, -16, 0), c.st(10, -8, 0), drain(c), c.place(1, -16), data(c, 8), c.jeq(0, 0, 1), c.st(0, 0, 1), c.ret(0);
		c.begin(), c.kfunc(GEN_DYNPTR_CLONE), c.ret(0); }},
	{"a clone in the place of another dynptr", "V019", [](hostile &c) {
		c.value(1, 0), c.movi(2, 16), c.movi(3, 0), c.place(4, -16), c.helper(HELPER_dynptr_from_mem), drain(c);
		c.place(1, -16), data(c, 8), c.jeq(0, 0, 1), c.st(0, 0, 1), c.ret(0);
		c.begin(), c.kfunc(GEN_DYNPTR_CLONE), c.ret(0); },
		ACCEPTS, "there a clone outlives the sample"},
	{"a clone made by a function of the callback", "V014", [](hostile &c) {
		c.value(6, 0), c.stx(10, -16, 6), drain(c), c.ldx(1, 10, -16), c.st(1, 0, 1), c.ret(0);
		c.begin(), c.call(1), c.ret(0);
		c.begin(), c.mov(6, 2), c.place(2, -16), c.kfunc(GEN_DYNPTR_CLONE), c.place(1, -16), data(c, 8);
		c.jeq(0, 0, 1), c.stx(6, 0, 0), c.ret(0); }},
	{"the dynptr itself after the callback", "V019", [](hostile &c) {
		c.st(10, -16, 0), drain(c), c.ldx(1, 10, -16), data(c, 8), c.ret(0);
		c.begin(), c.stx(2, 0, 1), c.ret(0); }},
	{"the dynptr itself after the callback, whatever was there", "V019", [](hostile &c) {
		c.st(10, -16, 0), drain(c), c.ldx(1, 10, -16), c.jeq(1, 0, 3), c.movi(2, 0), c.movi(3, 8);
		c.helper(HELPER_dynptr_data), c.ret(0);
		c.begin(), c.stx(2, 0, 1), c.ret(1); }},
	{"the dynptr is read as memory", "V014", [](hostile &c) {
		drain(c), c.ret(0);
		c.begin(), c.ldx(1, 1, 0), c.ret(0); }},
	{"the dynptr is written as memory", "V014", [](hostile &c) {
		drain(c), c.ret(0);
		c.begin(), c.st(1, 0, 0), c.ret(0); }},
	{"the dynptr is moved", "V016", [](hostile &c) {
		drain(c), c.ret(0);
		c.begin(), c.addi(1, 8), data(c, 8), c.ret(0); }},
	{"a dynptr is made in its place", "V019", [](hostile &c) {
		drain(c), c.ret(0);
		c.begin(), c.mov(4, 1), c.value(1, 0), c.movi(2, 8), c.movi(3, 0), c.helper(HELPER_dynptr_from_mem), c.ret(0); }},
	{"the sample is submitted", "V023", [](hostile &c) {
		drain(c), c.ret(0);
		c.begin(), c.movi(2, 0), c.helper(HELPER_ringbuf_submit_dynptr), c.ret(0); }},
	{"the sample's memory is submitted", "V019", [](hostile &c) {
		drain(c), c.ret(0);
		c.begin(), data(c, 8), c.jeq(0, 0, 3), c.mov(1, 0), c.movi(2, 0), c.helper(HELPER_ringbuf_submit), c.ret(0); }},
	{"a callback's result is 2", "V030", [](hostile &c) { drain(c), c.ret(0), c.begin(), c.ret(2); }},
	{"a callback's result is anything", "V030", [](hostile &c) {
		drain(c), c.ret(0), c.begin(), c.helper(HELPER_get_prandom_u32), c.exit(); }},
	{"past the context of the callback", "V010", [](hostile &c) {
		drain(c), c.ret(0), c.begin(), c.st(2, 16, 0), c.ret(0); }},
	{"a record is kept by the callback", "V022", [](hostile &c) {
		drain(c), c.ret(0);
		c.begin(), c.map(1, GEN_RINGBUF), c.movi(2, 8), c.movi(3, 0), c.helper(HELPER_ringbuf_reserve), c.ret(0); }},
	{"a ring of the other kind is drained", "V021", [](hostile &c) {
		drain(c, GEN_RINGBUF), c.ret(0), c.begin(), c.ret(0); }},
	{"a record of a user ring", "V021", [](hostile &c) {
		c.map(1, GEN_USER_RING), c.movi(2, 8), c.movi(3, 0), c.helper(HELPER_ringbuf_reserve), c.ret(0); }},
	{"an element of a user ring", "V021", [](hostile &c) { c.lookup(GEN_USER_RING, 0), c.ret(0); }},
	{"a map value as the callback's context", "V019", [](hostile &c) {
		c.map(1, GEN_USER_RING), c.func(2, 0), c.value(3, 0), c.movi(4, 0);
		c.helper(HELPER_user_ringbuf_drain), c.ret(0), c.begin(), c.ret(0); }},
	{"a number as the callback", "V019", [](hostile &c) {
		c.map(1, GEN_USER_RING), c.movi(2, 64), c.movi(3, 0), c.movi(4, 0);
		c.helper(HELPER_user_ringbuf_drain), c.ret(0); }},
};

const std::vector<hostile_case> overrides = {
	{"a value of its own", nullptr, [](hostile &c) { c.movi(2, -1), c.helper(HELPER_override_return), c.ret(0); }, NOT_ASKED},
	{"a context that was moved", "V019", [](hostile &c) {
		c.addi(1, 8), c.movi(2, 0), c.helper(HELPER_override_return), c.ret(0); }},
	{"the stack as context", "V019", [](hostile &c) {
		c.place(1, -16), c.movi(2, 0), c.helper(HELPER_override_return), c.ret(0); }},
	{"NULL as context", "V019", [](hostile &c) {
		c.movi(1, 0), c.movi(2, 0), c.helper(HELPER_override_return), c.ret(0); }},
	{"a map value as context", "V019", [](hostile &c) {
		c.value(1, 0), c.movi(2, 0), c.helper(HELPER_override_return), c.ret(0); }},
	{"an XDP program", "V018", [](hostile &c) { c.movi(2, 0), c.helper(HELPER_override_return), c.ret(0); }, AS_HERE, "", PROG_XDP},
	{"a value that was never set", "V002", [](hostile &c) { c.helper(HELPER_override_return), c.ret(0); }},
	{"the context after the call", "V002", [](hostile &c) {
		c.movi(2, 0), c.helper(HELPER_override_return), c.ldx(0, 1, 0), c.exit(); }},
	{"half of a spilled context", "V010", [](hostile &c) {
		c.stx(10, -8, 1), c.ldx(1, 10, -8, BPFI_W), c.movi(2, 0), c.helper(HELPER_override_return), c.ret(0); }},
	{"a spilled context that was written over", "V019", [](hostile &c) {
		c.stx(10, -8, 1), c.st(10, -8, 0, BPFI_B), c.ldx(1, 10, -8), c.movi(2, 0), c.helper(HELPER_override_return), c.ret(0); }},
	{"a record is held", "V022", [](hostile &c) {
		c.mov(6, 1), c.map(1, GEN_RINGBUF), c.movi(2, 8), c.movi(3, 0), c.helper(HELPER_ringbuf_reserve), c.mov(7, 0);
		c.mov(1, 6), c.movi(2, 0), c.helper(HELPER_override_return), c.ret(0); }},
	{"a lock is held", "V046", [](hostile &c) {
		c.mov(6, 1), c.lookup(GEN_LOCK_ARRAY, 1), c.jne(0, 0, 2), c.ret(0), c.mov(1, 0), c.addi(1, GEN_LOCK_OFF);
		c.helper(HELPER_spin_lock), c.mov(1, 6), c.movi(2, 0), c.helper(HELPER_override_return), c.ret(0); }},
	{"in a callback, of its index", "V019", [](hostile &c) {
		c.movi(1, 2), c.func(2, 0), c.movi(3, 0), c.movi(4, 0), c.helper(HELPER_loop), c.ret(0);
		c.begin(), c.movi(2, 0), c.helper(HELPER_override_return), c.ret(0); }},
	{"in a callback, of a context kept for it", nullptr, [](hostile &c) {
		c.stx(10, -16, 1), c.movi(1, 2), c.func(2, 0), c.place(3, -16), c.movi(4, 0), c.helper(HELPER_loop), c.ret(0);
		c.begin(), c.ldx(1, 2, 0), c.movi(2, 0), c.helper(HELPER_override_return), c.ret(0); }, NOT_ASKED},
	{"in a function that got another pointer on one way", "V019", [](hostile &c) {
		c.mov(6, 1), c.random(7), c.mov(1, 6), c.jne(7, 3, 2), c.mov(1, 10), c.addi(1, -8), c.call(0), c.ret(0);
		c.begin(), c.movi(2, 0), c.helper(HELPER_override_return), c.ret(0); }},
};

}

TEST(Hostile, MapsOfMaps) { expect_verdicts(maps_of_maps); }
TEST(Hostile, UserRings) { expect_verdicts(user_rings); }
TEST(Hostile, OverrideReturn) { expect_verdicts(overrides); }
