// SPDX-License-Identifier: MIT
// The built-in hook object is one that the linker itself takes, and it counts.
#include <gtest/gtest.h>

#include <unistd.h>

#include "builtin.h"
#include "file.h"
#include "load.h"
#include "rt_archive.h"
#include "rt.h"

// With the runtime of these tests, and with the real one.
struct Builtin : testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Runtimes, Builtin, testing::Bool());

TEST_P(Builtin, Counts)
{
	arena *a = arena_new();
	diags dg = {};
	bytes archive = rt_archive();
	uint8_t id[20] = {0xde, 0xad, 0xbe, 0xef};
	if (!GetParam()) {
		ASSERT_EQ(file_read(a, TEST_RT, &archive, nullptr, &dg), 0);
	}
	lnk *l = lnk_new(a, archive);
	bytes obj = lnk_builtin_count(a, {id, sizeof(id)}, false);
	ASSERT_EQ(lnk_add_object(l, "count", obj, false, &dg), 0) << dg.first_text;
	ASSERT_EQ(lnk_n_hooks(l), 1u);
	EXPECT_EQ(memcmp(lnk_hook(l, 0)->stamp->hash, id, sizeof(id)), 0);
	EXPECT_EQ(lnk_hook(l, 0)->insns, 2u);
	uint32_t at = lnk_add_attach(l, 0, "f", 0);
	lnk_loaded p;
	ASSERT_EQ(lnk_load_here(l, PAYLOAD_PRIVATE, &p, &dg), 0) << dg.first_text;
	EXPECT_EQ(*(uint32_t *)lnk_word_vaddr(l, at), RT_ENABLED);	// init enables what is ready
	for (int i = 0; i < 1000; i++)
		((void (*)())lnk_entry_vaddr(l, 0))();
	auto map = lnk_loaded_map(&p, "calls");
	ASSERT_NE(map, nullptr);
	EXPECT_EQ(*BPFTIME_REL(uint64_t, map->room_rel), 1000u);
	lnk_unload(&p);
	// The next target's object does not see the first one's id.
	obj = lnk_builtin_count(a, {id, 1}, false);
	l = lnk_new(a, archive);
	ASSERT_EQ(lnk_add_object(l, "count", obj, false, &dg), 0);
	EXPECT_EQ(lnk_hook(l, 0)->stamp->hash[1], 0);
	arena_free(a);
}

// Entries and returns of nested calls, of more frames than there are places for, and of
// frames that never return.
TEST(Latency, PairsEntriesWithReturns)
{
	arena *a = arena_new();
	diags dg = {};
	bytes archive = rt_archive();
	lnk *l = lnk_new(a, archive);
	ASSERT_EQ(lnk_add_object(l, "count", lnk_builtin_count(a, {}, true), false, &dg), 0)
		<< dg.first_text;
	ASSERT_EQ(lnk_n_hooks(l), 3u);
	lnk_loaded p;
	ASSERT_EQ(lnk_load_here(l, PAYLOAD_PRIVATE, &p, &dg), 0) << dg.first_text;
	auto enter = (void (*)(uint64_t))lnk_entry_vaddr(l, lnk_find_hook(l, "enter"));
	auto leave = (void (*)(uint64_t))lnk_entry_vaddr(l, lnk_find_hook(l, "leave"));
	auto map = lnk_loaded_map(&p, "latency");
	ASSERT_NE(map, nullptr);
	uint64_t *hist = BPFTIME_REL(uint64_t, map->room_rel);
	auto total = [&] {
		uint64_t n = 0;
		for (uint32_t i = 0; i < map->max_entries; i++)
			n += hist[i];
		return n;
	};
	uint64_t sp = 0x7fffffff0008;
	leave(sp + 8);	// a return whose entry was not seen
	EXPECT_EQ(total(), 0u);
	enter(sp);
	enter(sp - 64);
	usleep(3000);	// 2^21 ns
	leave(sp - 64 + 8);
	leave(sp + 8);
	leave(sp + 8);
	EXPECT_EQ(total(), 2u);
	uint64_t slow = 0;
	for (int i = 21; i < 40; i++)
		slow += hist[i];
	EXPECT_EQ(slow, 2u);
	// The same frame again, after a longjmp out of it: one entry, one return.
	enter(sp);
	enter(sp);
	leave(sp + 8);
	leave(sp + 8);
	EXPECT_EQ(total(), 3u);
	// Deeper than the table: the innermost calls are recorded, none twice.
	for (int i = 0; i < 5000; i++)
		enter(sp - 48 * i);
	for (int i = 5000; i-- > 0;)
		leave(sp - 48 * i + 8);
	EXPECT_GE(total(), 3u + 100);
	EXPECT_LE(total(), 3u + 512);
	lnk_unload(&p);
	arena_free(a);
}

// The registers of the hooked function survive: preserve_mostcc keeps all but r11.
TEST(Latency, KeepsRegisters)
{
	arena *a = arena_new();
	diags dg = {};
	bytes archive = rt_archive();
	lnk *l = lnk_new(a, archive);
	lnk_loaded p;
	ASSERT_EQ(lnk_add_object(l, "count", lnk_builtin_count(a, {}, true), false, &dg), 0);
	ASSERT_EQ(lnk_load_here(l, PAYLOAD_PRIVATE, &p, &dg), 0) << dg.first_text;
	for (const char *name : {"count", "enter", "leave"}) {
		uint64_t fn = lnk_entry_vaddr(l, lnk_find_hook(l, name));
		uint64_t r[10] = {1, 2, 3, 4, 0x7ff000000008, 6, 7, 8, 9, fn}, was[10];
		memcpy(was, r, sizeof(r));
		__asm__ volatile("push %%rbp\n\t"
				 "mov %[r], %%rbp\n\t"
				 "mov 0(%%rbp), %%rax\n\tmov 8(%%rbp), %%rcx\n\t"
				 "mov 16(%%rbp), %%rdx\n\tmov 24(%%rbp), %%rsi\n\t"
				 "mov 32(%%rbp), %%rdi\n\tmov 40(%%rbp), %%r8\n\t"
				 "mov 48(%%rbp), %%r9\n\tmov 56(%%rbp), %%r10\n\t"
				 "mov 64(%%rbp), %%rbx\n\t"
				 "sub $136, %%rsp\n\t"	// the red zone; the stack is not aligned
				 "call *72(%%rbp)\n\t"
				 "add $136, %%rsp\n\t"
				 "mov %%rax, 0(%%rbp)\n\tmov %%rcx, 8(%%rbp)\n\t"
				 "mov %%rdx, 16(%%rbp)\n\tmov %%rsi, 24(%%rbp)\n\t"
				 "mov %%rdi, 32(%%rbp)\n\tmov %%r8, 40(%%rbp)\n\t"
				 "mov %%r9, 48(%%rbp)\n\tmov %%r10, 56(%%rbp)\n\t"
				 "mov %%rbx, 64(%%rbp)\n\t"
				 "pop %%rbp\n\t"
				 :
				 : [r] "r"(r)
				 : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "rbx",
				   "memory", "cc");
		for (int i = 0; i < 10; i++)
			EXPECT_EQ(r[i], was[i]) << name << " " << i;
	}
	lnk_unload(&p);
	arena_free(a);
}
