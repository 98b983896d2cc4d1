// SPDX-License-Identifier: MIT
#include "made.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <sys/resource.h>

#include "hooks.h"
#include "maps.h"

const std::vector<const char *> made_codes = {"V034", "V036", "V042"};

made::made(enum prog_type type, std::vector<bpfi> code) : a(arena_new()), insn(code)
{
	func.name = p.name = "prog";
	p.sec = p.spec = "";
	p.type = type;
	u.arena = a, u.path = u.name = "made", u.license = "GPL";
}

made::~made() { arena_free(a); }

int made::verify()
{
	p.insn = insn.data(), p.n_insn = (uint32_t)insn.size();
	p.func = &func, p.n_func = 1;
	u.map = maps.data(), u.n_map = maps.size(), u.prog = &p, u.n_prog = 1;
	dg = {};
	return vfy_verify(a, &u, &p, &opts, &res, &dg);
}

namespace {

bpfi op(unsigned code, unsigned dst, unsigned src, int off, int32_t imm)
{
	bpfi i = {};
	i.code = (uint8_t)code, i.dst = dst & 15, i.src = src & 15, i.off = (int16_t)off, i.imm = imm;
	return i;
}
bpfi movi(unsigned d, int32_t v) { return op(BPFI_ALU64 | BPFI_MOV, d, 0, 0, v); }
bpfi mov(unsigned d, unsigned s) { return op(BPFI_ALU64 | BPFI_MOV | BPFI_X, d, s, 0, 0); }
bpfi addi(unsigned d, int32_t v) { return op(BPFI_ALU64 | BPFI_ADD, d, 0, 0, v); }
bpfi ldx(unsigned d, unsigned s, int off) { return op(BPFI_LDX | BPFI_MEM | BPFI_DW, d, s, off, 0); }
bpfi stx(unsigned d, int off, unsigned s) { return op(BPFI_STX | BPFI_MEM | BPFI_DW, d, s, off, 0); }
bpfi call(int32_t id) { return op(BPFI_JMP_CALL, 0, 0, 0, id); }
bpfi end() { return op(BPFI_JMP_EXIT, 0, 0, 0, 0); }

struct unit_map array(uint32_t value, uint32_t max)
{
	struct unit_map m = {};
	m.name = "array", m.type = MAP_TYPE_array, m.key_size = 4, m.value_size = value;
	m.max_entries = max, m.inner = -1;
	return m;
}

}

TEST(Made, BadReferencesAreRefused)
{
	for (uint32_t off : {64u, 0x80000000u}) {
		made m(PROG_KPROBE, {op(BPFI_LD_IMM64, 1, BPFI_LD_MAP_VALUE, 0, 0), op(0, 0, 0, 0, (int32_t)off), movi(0, 0), end()});
		m.maps = {array(64, 1)};
		EXPECT_EQ(m.verify(), -DIAG_V034);
		m.maps = {};
		EXPECT_EQ(m.verify(), -DIAG_V034);
		m.insn[1].imm = 8;
		m.maps = {array(64, 2)};
		EXPECT_EQ(m.verify(), -DIAG_V034);
		m.maps = {array(64, 1)};
		EXPECT_EQ(m.verify(), 0);
	}
}

TEST(Made, UnknownKfuncsAreRefused)
{
	const char *names[] = {"bpf_no_such_thing"};
	made m(PROG_KPROBE, {op(BPFI_JMP_CALL, 0, BPFI_CALL_KFUNC, 0, 0), movi(0, 0), end()});
	m.u.kfunc = names, m.u.n_kfunc = 1;
	EXPECT_EQ(m.verify(), -DIAG_V036);
	m.insn[0].imm = 7;
	EXPECT_EQ(m.verify(), -DIAG_V036);
	m.insn[0].imm = -1;
	EXPECT_EQ(m.verify(), -DIAG_V036);
}

TEST(Made, EmptyProgramsAreRefused)
{
	made m(PROG_KPROBE, {});
	EXPECT_EQ(m.verify(), -DIAG_V042);
}

TEST(Facts, MaskHasTheFieldsThatAreRead)
{
	made m(PROG_KPROBE, {ldx(2, 1, 8 * CTX_DI), op(BPFI_LDX | BPFI_MEM | BPFI_B, 3, 1, 8 * CTX_SP + 3, 0), movi(0, 0), end()});
	ASSERT_EQ(m.verify(), 0);
	EXPECT_EQ(m.res.ctx_mask, 1u << CTX_DI | 1u << CTX_SP);
	EXPECT_FALSE(m.res.ctx_escapes);
	EXPECT_EQ(m.res.insn[0].mem, MEM_CTX);
	EXPECT_TRUE(m.res.insn[0].fixed_off);
	EXPECT_EQ(m.res.insn[0].mem_off, 8 * CTX_DI);
}

TEST(Facts, CookieAndFunctionAddressAreFields)
{
	made m(PROG_KPROBE, {mov(6, 1), call(HELPER_get_attach_cookie), mov(1, 6), call(HELPER_get_func_ip), end()});
	ASSERT_EQ(m.verify(), 0);
	EXPECT_EQ(m.res.ctx_mask, 1u << CTX_COOKIE | 1u << CTX_FUNC_IP);
	EXPECT_FALSE(m.res.ctx_escapes);
}

TEST(Facts, TheContextEscapesAsAnArgumentAndThroughMemory)
{
	// as the address that probe_read_kernel reads from
	made arg(PROG_KPROBE, {mov(3, 1), mov(1, 10), addi(1, -8), movi(2, 8), call(HELPER_probe_read_kernel), movi(0, 0), end()});
	ASSERT_EQ(arg.verify(), 0);
	EXPECT_TRUE(arg.res.ctx_escapes);
	// spilled, and the stack read by the helper
	made spilled(PROG_KPROBE, {stx(10, -16, 1), mov(3, 10), addi(3, -16), mov(1, 10), addi(1, -8), movi(2, 8),
				   call(HELPER_probe_read_kernel), movi(0, 0), end()});
	ASSERT_EQ(spilled.verify(), 0);
	EXPECT_TRUE(spilled.res.ctx_escapes);
	// stored in a map value
	made stored(PROG_KPROBE, {op(BPFI_LD_IMM64, 2, BPFI_LD_MAP_VALUE, 0, 0), op(0, 0, 0, 0, 0), stx(2, 0, 1), movi(0, 0), end()});
	stored.maps = {array(64, 1)};
	ASSERT_EQ(stored.verify(), 0);
	EXPECT_TRUE(stored.res.ctx_escapes);
	// spilled and filled only
	made kept(PROG_KPROBE, {stx(10, -8, 1), ldx(1, 10, -8), ldx(0, 1, 8 * CTX_DI), end()});
	ASSERT_EQ(kept.verify(), 0);
	EXPECT_FALSE(kept.res.ctx_escapes);
	EXPECT_EQ(kept.res.ctx_mask, 1u << CTX_DI);
}

// On the second path, where the first one left the stack alone and read it.
TEST(Facts, TheContextEscapesWhereNothingWas)
{
	std::vector<bpfi> code = {mov(6, 1), call(HELPER_get_prandom_u32), op(BPFI_JMP | BPFI_JEQ, 0, 0, 1, 0),
				  op(BPFI_JMP_JA, 0, 0, 1, 0), stx(10, -8, 6)};
	for (int i = 0; i < 8; i++)	// else no state is kept to compare with
		code.push_back(op(BPFI_JMP | BPFI_JEQ, 0, 0, 0, 1 + i));
	for (auto in : {ldx(3, 10, -8), mov(1, 10), addi(1, -16), movi(2, 8), call(HELPER_probe_read_kernel), movi(0, 0), end()})
		code.push_back(in);
	made m(PROG_KPROBE, code);
	ASSERT_EQ(m.verify(), 0);
	EXPECT_TRUE(m.res.ctx_escapes);
}

TEST(Facts, TheContextEscapesAsANumber)
{
	made negated(PROG_KPROBE, {op(BPFI_ALU64 | BPFI_NEG, 1, 0, 0, 0), movi(0, 0), end()});
	ASSERT_EQ(negated.verify(), 0);
	EXPECT_TRUE(negated.res.ctx_escapes);
	made swapped(PROG_KPROBE, {op(BPFI_ALU64 | BPFI_END, 1, 0, 0, 64), movi(0, 0), end()});
	ASSERT_EQ(swapped.verify(), 0);
	EXPECT_TRUE(swapped.res.ctx_escapes);
	made halved(PROG_KPROBE, {op(BPFI_ALU | BPFI_MOV | BPFI_X, 2, 1, 0, 0), movi(0, 0), end()});
	ASSERT_EQ(halved.verify(), 0);
	EXPECT_TRUE(halved.res.ctx_escapes);
	made apart(PROG_KPROBE, {op(BPFI_ALU64 | BPFI_SUB | BPFI_X, 1, 10, 0, 0), movi(0, 0), end()});
	ASSERT_EQ(apart.verify(), 0);
	EXPECT_TRUE(apart.res.ctx_escapes);
	// where it will be spilled
	made place(PROG_KPROBE, {mov(3, 10), op(BPFI_ALU64 | BPFI_NEG, 3, 0, 0, 0), stx(10, -8, 1), movi(0, 0), end()});
	ASSERT_EQ(place.verify(), 0);
	EXPECT_TRUE(place.res.ctx_escapes);
}

// One path has it where a helper reads, and meets another that was looked at before.
TEST(Facts, TheContextEscapesOnTheSecondPath)
{
	std::vector<bpfi> code = {
		ldx(6, 1, 8 * CTX_DI), ldx(7, 1, 8 * CTX_DI), movi(2, 0), stx(10, -16, 2),
		op(BPFI_JMP | BPFI_JNE, 6, 0, 1, 0), op(BPFI_JMP_JA, 0, 0, 1, 0), stx(10, -16, 1), movi(6, 0), movi(1, 0),
	};
	for (int i = 0; i < 3; i++) {
		for (int k = 0; k < 10; k++)
			code.push_back(movi(8, k));
		code.push_back(op(BPFI_JMP | BPFI_JSGT, 7, 0, 1, i));
		code.push_back(movi(8, 0));
	}
	for (const bpfi &i : {mov(3, 10), addi(3, -16), mov(1, 10), addi(1, -8), movi(2, 8), call(HELPER_probe_read_kernel), movi(0, 0), end()})
		code.push_back(i);
	made m(PROG_KPROBE, code);
	ASSERT_EQ(m.verify(), 0);
	EXPECT_TRUE(m.res.ctx_escapes);
}

// The registers of a hook's frame and nothing behind them, whatever CPU is compiled for: there is
// one layout (hooks.h).
TEST(Facts, TheContextEndsWithTheRegisters)
{
	for (int off = 0; off < 256; off += 4) {
		made m(PROG_KPROBE, {op(BPFI_LDX | BPFI_MEM | BPFI_W, 0, 1, off, 0), end()});
		EXPECT_EQ(m.verify(), off < (int)offsetof(struct bpftime_frame_x86_64, cookie) ? 0 : -DIAG_V009) << off;
	}
}

// The bytes of a context that was stored are read as numbers.
TEST(Facts, TheContextEscapesInParts)
{
	made variable(PROG_KPROBE, {ldx(2, 1, 0), op(BPFI_ALU64 | BPFI_AND, 2, 0, 0, 8), mov(3, 10), addi(3, -16),
				    op(BPFI_ALU64 | BPFI_ADD | BPFI_X, 3, 2, 0, 0), stx(3, 0, 1), ldx(0, 10, -16), end()});
	ASSERT_EQ(variable.verify(), 0);
	EXPECT_TRUE(variable.res.ctx_escapes);
	made part(PROG_KPROBE, {stx(10, -8, 1), op(BPFI_ST | BPFI_MEM | BPFI_B, 10, 0, -8, 0), ldx(0, 10, -8), end()});
	ASSERT_EQ(part.verify(), 0);
	EXPECT_TRUE(part.res.ctx_escapes);
}

TEST(Facts, DeadCodeIsNotReachedAndJumpsAreKnown)
{
	made m(PROG_KPROBE, {movi(2, 5), op(BPFI_JMP | BPFI_JEQ, 2, 0, 1, 5), call(9999), ldx(0, 1, 0),
			     op(BPFI_JMP | BPFI_JGT, 2, 0, 1, 7), movi(0, 1), end()});
	ASSERT_EQ(m.verify(), 0);
	EXPECT_TRUE(m.res.insn[1].always_taken);
	EXPECT_FALSE(m.res.insn[1].never_taken);
	EXPECT_FALSE(m.res.insn[2].reached);
	EXPECT_TRUE(m.res.insn[4].never_taken);
	EXPECT_TRUE(m.res.insn[6].reached);
}

TEST(Facts, MapsAndOffsetsThatDifferByPathAreNotPromised)
{
	// r2 = value of map 0 or of map 1, then a store at the same place
	std::vector<bpfi> code = {
		op(BPFI_LD_IMM64, 2, BPFI_LD_MAP_VALUE, 0, 0), op(0, 0, 0, 0, 8),
		ldx(3, 1, 0), op(BPFI_JMP | BPFI_JEQ, 3, 0, 2, 0),
		op(BPFI_LD_IMM64, 2, BPFI_LD_MAP_VALUE, 0, 1), op(0, 0, 0, 0, 16),
		stx(2, 0, 3), movi(0, 0), end()};
	made m(PROG_KPROBE, code);
	m.maps = {array(64, 1), array(64, 1)};
	ASSERT_EQ(m.verify(), 0);
	EXPECT_EQ(m.res.insn[6].mem, MEM_MAP_VALUE);
	EXPECT_EQ(m.res.insn[6].map, -1);
	EXPECT_FALSE(m.res.insn[6].fixed_off);
	EXPECT_EQ(m.res.insn[0].map, 0);
	EXPECT_EQ(m.res.insn[4].map, 1);
	m.insn[3].imm = 1, m.insn[3].code = BPFI_JMP_JA, m.insn[3].imm = 0, m.insn[3].dst = 0, m.insn[3].off = 0;
	ASSERT_EQ(m.verify(), 0);
	EXPECT_EQ(m.res.insn[6].map, 1);
	EXPECT_TRUE(m.res.insn[6].fixed_off);
	EXPECT_EQ(m.res.insn[6].mem_off, 16);
}

// A vm program that is run without memory has NULL for it: equal to that says nothing.
TEST(Made, NoMemoryMayBeNull)
{
	std::vector<bpfi> code = {
		mov(6, 1), op(BPFI_ST | BPFI_MEM | BPFI_W, 10, 0, -4, 5), op(BPFI_LD_IMM64, 1, BPFI_LD_MAP, 0, 0), op(0, 0, 0, 0, 0),
		mov(2, 10), addi(2, -4), call(HELPER_map_lookup_elem), op(BPFI_JMP | BPFI_JEQ | BPFI_X, 0, 6, 2, 0),
		movi(0, 0), end(), ldx(0, 0, 0), end()};
	made m(PROG_VM, code);
	m.maps = {array(64, 4)};
	m.p.kind = HOOK_vm;
	EXPECT_EQ(m.verify(), -DIAG_V015);
	m.p.mem_bytes = 8;
	EXPECT_EQ(m.verify(), 0);
	m.insn = {op(BPFI_JMP | BPFI_JEQ, 1, 0, 2, 0), movi(0, 0), end(), movi(0, 1), end()};
	m.p.mem_bytes = 0;
	ASSERT_EQ(m.verify(), 0);
	EXPECT_FALSE(m.res.insn[0].never_taken);
}

// Seven functions deep, with a full stack each, 40,000 times two ways that meet again.
TEST(Made, StatesDoNotFillTheMemory)
{
	enum { DEEP = 7, FRAME_SLOTS = 7, STEPS = 40000 };
	if (!getenv("BPFTIME_TORTURE"))
		GTEST_SKIP() << "takes long: BPFTIME_TORTURE=1";
	std::vector<bpfi> code;
	for (int d = 0; d <= DEEP; d++) {
		for (int s = 1; s <= FRAME_SLOTS; s++)
			code.push_back(op(BPFI_ST | BPFI_MEM | BPFI_DW, 10, 0, -8 * s, s));
		if (d < DEEP)
			code.push_back(op(BPFI_JMP_CALL, 0, BPFI_CALL_LOCAL, 0, 2)), code.push_back(movi(0, 0)), code.push_back(end());
	}
	code.push_back(call(HELPER_get_prandom_u32)), code.push_back(mov(6, 0));
	for (int k = 0; k < STEPS; k++) {
		code.push_back(op(BPFI_JMP | BPFI_JNE, 6, 0, 1, k)), code.push_back(movi(7, k));
		code.push_back(op(BPFI_JMP | BPFI_JNE, 6, 0, 1, k + 1)), code.push_back(movi(8, k));
		for (int s = 1; s <= 5; s++)
			code.push_back(stx(10, -8 * s, 6));
	}
	code.push_back(movi(0, 0)), code.push_back(end());
	made m(PROG_KPROBE, code);
	struct rlimit all, some = {4ull << 30, 4ull << 30};
	ASSERT_EQ(getrlimit(RLIMIT_AS, &all), 0);
	some.rlim_max = all.rlim_max;
	ASSERT_EQ(setrlimit(RLIMIT_AS, &some), 0);
	int r = m.verify();
	setrlimit(RLIMIT_AS, &all);
	EXPECT_TRUE(r == -DIAG_V025 || r == -DIAG_E004 || !r) << m.dg.first_text;
}

// A loop of 200,000 turns: fine, but not in a millisecond; then there is no verdict.
TEST(Made, TimeIsTheMachinesFault)
{
	made m(PROG_KPROBE, {movi(0, 0), addi(0, 1), op(BPFI_JMP | BPFI_JLT, 0, 0, -2, 200000), end()});
	EXPECT_EQ(m.verify(), 0);
	m.opts.time_limit_ms = 1;
	EXPECT_EQ(m.verify(), -DIAG_E004);
	EXPECT_EQ(diags_exit(&m.dg), EX_ENV);
}
