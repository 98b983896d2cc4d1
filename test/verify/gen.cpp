// SPDX-License-Identifier: MIT
#include "gen_builder.h"

#include <cstring>
#include <set>

const std::vector<gen_map> gen_maps = {
	{"hash", 1, 8, 48, 16, 0, ""},
	{"array", 2, 4, 40, 4, 0, ""},
	{"array1", 2, 4, 64, 1, 0, ""},
	{"rodata", 2, 4, 16, 1, MAP_F_RDONLY_PROG, std::string("\1\0\0\0\7\0\0\0\xff\xff\xff\xff\0\0\0\x80", 16)},
	{"ringbuf", 27, 0, 0, 4096, 0, ""},
	{"progs", 3, 4, 4, 4, 0, ""},
	{"lock_hash", 1, 8, 24, 16, 0, "", true},
	{"lock_array", 2, 4, 24, 4, 0, "", true},
	{"in_a", 2, 4, 40, 4, 0, ""},
	{"in_b", 2, 4, 40, 4, 0, ""},
	{"outer_array", 12, 4, 4, 4, 0, "", false, GEN_IN_A},
	{"outer_hash", 13, 4, 4, 4, 0, "", false, GEN_IN_A},
	{"user_ring", 31, 0, 0, 4096, 0, ""},
};

const std::vector<const char *> gen_kfuncs = {
	"bpf_iter_num_new", "bpf_iter_num_next", "bpf_iter_num_destroy",
	"bpf_iter_bits_new", "bpf_iter_bits_next", "bpf_iter_bits_destroy",
	"bpf_dynptr_adjust", "bpf_dynptr_clone", "bpf_dynptr_copy", "bpf_dynptr_is_null", "bpf_dynptr_is_rdonly",
	"bpf_dynptr_memset", "bpf_dynptr_size", "bpf_dynptr_slice", "bpf_dynptr_slice_rdwr",
	"bpf_strcasecmp", "bpf_strchr", "bpf_strchrnul", "bpf_strcmp", "bpf_strcspn", "bpf_strlen", "bpf_strnchr",
	"bpf_strnlen", "bpf_strnstr", "bpf_strrchr", "bpf_strspn", "bpf_strstr",
	"bpf_probe_read_kernel_dynptr", "bpf_probe_read_kernel_str_dynptr",
	"bpf_rdonly_cast",
};

int32_t builder::constant()
{
	static const int32_t odd[] = {0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 47, 63, 64, 127, 255, 256, 4095,
				      65535, 0x7fffffff, (int32_t)0x80000000, -1, -2, -8, -16, -256};
	return chance(85) ? odd[below(sizeof(odd) / sizeof(odd[0]))] : (int32_t)rnd();
}

void builder::jump_later(unsigned code, unsigned dst, unsigned src, int32_t imm, bool to_end)
{
	fixes.push_back({p.insn.size(), to_end ? n_blocks : (unsigned)std::min<uint64_t>(n_blocks, block + 1 + below(3))});
	put(code, dst, src, 0, imm);
}

void builder::set_up()
{
	mov(R6, R1);
	for (unsigned r = R7; r <= R9; r++)
		if (chance(60))
			movi(r, constant());
		else
			call(HELPER_get_prandom_u32), mov(r, R0);
	movi(R0, constant());
}

void builder::alu()
{
	static const unsigned ops[] = {BPFI_ADD, BPFI_SUB, BPFI_MUL, BPFI_DIV, BPFI_OR, BPFI_AND, BPFI_LSH, BPFI_RSH,
				       BPFI_MOD, BPFI_XOR, BPFI_ARSH, BPFI_AND, BPFI_ADD, BPFI_RSH, BPFI_NEG};
	unsigned op = ops[below(15)];
	while (!divide && (op == BPFI_DIV || op == BPFI_MOD))
		op = ops[below(15)];
	unsigned cls = chance(65) ? BPFI_ALU64 : BPFI_ALU, d = any();
	int off = (op == BPFI_DIV || op == BPFI_MOD) && chance(30);
	if (op == BPFI_NEG) {
		put(cls | op, d, 0, 0, 0);
	} else if (chance(60)) {
		int32_t imm = constant();
		if (op == BPFI_LSH || op == BPFI_RSH || op == BPFI_ARSH)
			imm = (int32_t)below(cls == BPFI_ALU64 ? 64 : 32);
		if ((op == BPFI_DIV || op == BPFI_MOD) && !imm)
			imm = 3;
		put(cls | op | BPFI_K, d, 0, off, imm);
	} else {
		put(cls | op | BPFI_X, d, any(), off, 0);
	}
	value_map[d] = 0;
}

void builder::move()
{
	unsigned d = any(), s = any();
	static const int w64[] = {8, 16, 32}, swapped[] = {16, 32, 64};
	switch (below(6)) {
	case 0: movi(d, constant()); break;
	case 1: put(BPFI_ALU | BPFI_MOV | BPFI_X, d, s, 0, 0); break;
	case 2: put(BPFI_ALU64 | BPFI_MOV | BPFI_X, d, s, w64[below(3)], 0); break;
	case 3: put(BPFI_ALU | BPFI_MOV | BPFI_X, d, s, w64[below(2)], 0); break;
	case 4: put(chance(50) ? BPFI_ALU64 | BPFI_END | BPFI_K : BPFI_ALU | BPFI_END | (chance(50) ? BPFI_X : BPFI_K),
		    d, 0, 0, swapped[below(3)]); break;
	default: mov(d, s); value_map[d] = value_map[s]; return;
	}
	value_map[d] = 0;
}

void builder::ctx_load()
{
	unsigned d = any(), size = sizes[below(4)], bytes = 1u << (size == BPFI_DW ? 3 : size == BPFI_W ? 2 : size == BPFI_H);
	int off;
	switch (p.type) {
	case PROG_XDP: size = BPFI_W, off = 12 + 4 * (int)below(2); break;
	case PROG_SOCKET_FILTER: size = BPFI_W, off = 4 * (int)below(12); break;
	case PROG_TRACEPOINT: off = 8 + (int)(bytes * below(16)); off -= off % (int)bytes; break;
	default: off = (int)(bytes * below(168 / bytes)); break;
	}
	put(BPFI_LDX | BPFI_MEM | size, d, R6, off, 0);
	value_map[d] = 0;
}

void builder::branch()
{
	static const unsigned ops[] = {BPFI_JEQ, BPFI_JGT, BPFI_JGE, BPFI_JSET, BPFI_JNE, BPFI_JSGT,
				       BPFI_JSGE, BPFI_JLT, BPFI_JLE, BPFI_JSLT, BPFI_JSLE};
	unsigned cls = chance(65) ? BPFI_JMP : BPFI_JMP32, op = ops[below(11)];
	bool x = chance(35);
	unsigned d = any(), s = any();
	jump_later(cls | op | (x && s != d ? BPFI_X : BPFI_K), d, x && s != d ? s : 0, x && s != d ? 0 : constant(), chance(40));
}

void builder::lookup()
{
	int map = chance(50) ? GEN_HASH : chance(70) ? GEN_ARRAY : GEN_ARRAY1, at = slot();
	unsigned d = saved();
	if (map != GEN_HASH && chance(50))
		put(BPFI_ST | BPFI_MEM | BPFI_W, R10, 0, at, (int32_t)below(6));
	else
		put(BPFI_STX | BPFI_MEM | BPFI_DW, R10, any(), at, 0);
	imm64(R1, BPFI_LD_MAP, map, 0);
	mov(R2, R10);
	addi(R2, at);
	call(HELPER_map_lookup_elem);
	if (chance(20)) {	// check a copy, or a spilled one
		mov(d, R0);
		if (chance(50)) {
			int s = slot();
			put(BPFI_STX | BPFI_MEM | BPFI_DW, R10, R0, s, 0);
			jump_later(BPFI_JMP | BPFI_JEQ | BPFI_K, d, 0, 0, true);
			put(BPFI_LDX | BPFI_MEM | BPFI_DW, d, R10, s, 0);
		} else {
			jump_later(BPFI_JMP | BPFI_JEQ | BPFI_K, R0, 0, 0, true);
		}
	} else {
		if (chance(92))
			jump_later(BPFI_JMP | BPFI_JEQ | BPFI_K, R0, 0, 0, chance(80));
		mov(d, R0);
	}
	movi(R0, constant());
	value_map[d] = map + 1;
}

void builder::value_access()
{
	unsigned d = saved(), size = sizes[below(4)], i = any(), bytes = 1u << (size == BPFI_DW ? 3 : size == BPFI_W ? 2 : size == BPFI_H);
	for (int tries = 0; tries < 6 && !value_map[d]; tries++)
		d = saved();
	int value = value_map[d] ? (int)gen_maps[value_map[d] - 1].value : 40;
	int off = (int)below((uint64_t)value + 2 - bytes);
	if (chance(50) && i != d) {	// variable offset
		unsigned bound = 1u << below(6);
		mov(R1, i);
		switch (below(5)) {
		case 0: put(BPFI_ALU64 | BPFI_AND | BPFI_K, R1, 0, 0, (int)bound - 1); break;
		case 1: jump_later(BPFI_JMP | BPFI_JGT | BPFI_K, R1, 0, (int)bound, chance(50)); break;
		case 2: put(BPFI_ALU | BPFI_MOV | BPFI_X, R1, R1, 0, 0);
			jump_later((chance(50) ? BPFI_JMP32 : BPFI_JMP) | BPFI_JGE | BPFI_K, R1, 0, (int)bound, chance(50)); break;
		case 3: jump_later(BPFI_JMP | BPFI_JSGT | BPFI_K, R1, 0, (int)bound, chance(50));
			jump_later(BPFI_JMP | BPFI_JSLT | BPFI_K, R1, 0, 0, chance(50)); break;
		default: jump_later(BPFI_JMP | BPFI_JGT | BPFI_K, i, 0, (int)bound, true); break;
		}
		mov(R2, d);
		put(BPFI_ALU64 | (chance(90) ? BPFI_ADD : BPFI_SUB) | BPFI_X, R2, R1, 0, 0);
		d = R2;
		off = chance(80) ? std::max(0, std::min(off, value - (int)bound - (int)bytes)) : off;
	}
	if (chance(50)) {
		unsigned to = any();
		put(BPFI_LDX | (size != BPFI_DW && chance(20) ? BPFI_MEMSX : BPFI_MEM) | size, to, d, off, 0);
		value_map[to] = 0;
	} else if (chance(50)) {
		put(BPFI_STX | BPFI_MEM | size, d, any(), off, 0);
	} else {
		put(BPFI_ST | BPFI_MEM | size, d, 0, off, constant());
	}
}

void builder::spill_fill()
{
	int at = slot();
	unsigned size = chance(60) ? BPFI_DW : sizes[below(4)], bytes = 1u << (size == BPFI_DW ? 3 : size == BPFI_W ? 2 : size == BPFI_H);
	int sub = (int)(bytes * below(8 / bytes));
	unsigned r = any();
	switch (below(4)) {
	case 0: put(BPFI_STX | BPFI_MEM | size, R10, any(), at + sub, 0); break;
	case 1: put(BPFI_ST | BPFI_MEM | size, R10, 0, at + sub, chance(50) ? 0 : constant()); break;
	default: put(BPFI_LDX | (size != BPFI_DW && chance(20) ? BPFI_MEMSX : BPFI_MEM) | size, r, R10, at + sub, 0);
		value_map[r] = 0; break;
	}
}

void builder::stack_variable()
{
	unsigned i = any(), r = any();
	mov(R1, i);
	put(BPFI_ALU64 | BPFI_AND | BPFI_K, R1, 0, 0, chance(80) ? 8 * (int)below(8) : constant());
	mov(R2, R10);
	addi(R2, -64 - (chance(20) ? 8 : 0));
	put(BPFI_ALU64 | BPFI_ADD | BPFI_X, R2, R1, 0, 0);
	if (chance(50))
		put(BPFI_STX | BPFI_MEM | BPFI_DW, R2, any(), 0, 0);
	else if (chance(50))
		put(BPFI_ST | BPFI_MEM | BPFI_B, R2, 0, (int)below(9), 0);
	else
		put(BPFI_LDX | BPFI_MEM | BPFI_DW, r, R2, 0, 0), value_map[r] = 0;
}

void builder::helper()
{
	int at = slot();
	switch (below(9)) {
	case 0: call(HELPER_get_prandom_u32); break;
	case 1: call(HELPER_ktime_get_ns); break;
	case 2: call(HELPER_ktime_get_boot_ns); break;
	case 3:	// probe_read_kernel
		mov(R1, R10), addi(R1, at);
		if (chance(60))
			movi(R2, (int)below((uint64_t)-at + 1));
		else
			mov(R2, any()), put(BPFI_ALU64 | BPFI_AND | BPFI_K, R2, 0, 0, chance(80) ? 7 : constant());
		mov(R3, any());
		call(chance(50) ? HELPER_probe_read_kernel : HELPER_probe_read_user_str);
		break;
	case 4:	// map_update
		mov(R2, R10), addi(R2, slot());
		mov(R3, R10), addi(R3, -48 - 8 * (int)below(3));
		imm64(R1, BPFI_LD_MAP, p.type == PROG_XDP && chance(30) ? GEN_LOCK_HASH : GEN_HASH, 0);
		movi(R4, 0);
		call(HELPER_map_update_elem);
		break;
	case 5:
		imm64(R1, BPFI_LD_MAP, chance(80) ? GEN_HASH : (int)below(GEN_MAPS), 0);
		mov(R2, R10), addi(R2, at);
		call(HELPER_map_delete_elem);
		break;
	case 6:
		imm64(R1, BPFI_LD_MAP, GEN_RINGBUF, 0);
		mov(R2, R10), addi(R2, at);
		mov(R3, any());
		if (chance(80))
			put(BPFI_ALU64 | BPFI_AND | BPFI_K, R3, 0, 0, 7);
		movi(R4, 0);
		call(HELPER_ringbuf_output);
		break;
	case 7:
		mov(R1, R10), addi(R1, at);
		movi(R2, -at);
		call(p.type == PROG_KPROBE || p.type == PROG_TRACEPOINT ? HELPER_get_current_comm : HELPER_get_prandom_u32);
		break;
	default:
		call(p.type == PROG_KPROBE || p.type == PROG_TRACEPOINT ? HELPER_get_current_pid_tgid : HELPER_ktime_get_boot_ns);
	}
	value_map[R0] = 0;
}

void builder::record()
{
	imm64(R1, BPFI_LD_MAP, GEN_RINGBUF, 0);
	movi(R2, 8 * (1 + (int)below(4)));
	movi(R3, 0);
	call(HELPER_ringbuf_reserve);
	size_t check = p.insn.size();
	put(BPFI_JMP | BPFI_JEQ | BPFI_K, R0, 0, 0, 0);
	if (chance(70))
		put(BPFI_STX | BPFI_MEM | sizes[below(4)], R0, any() == R0 ? R7 : R8, (int)below(10), 0);
	if (chance(10))
		branch();	// may leak
	mov(R1, R0);
	movi(R2, 0);
	if (chance(97))
		call(chance(50) ? HELPER_ringbuf_submit : HELPER_ringbuf_discard);
	p.insn[check].off = (int16_t)(p.insn.size() - check - 1);
	movi(R0, constant());
}

void builder::loop()
{
	unsigned n = saved(), other = any();
	bool may_goto = chance(15);
	size_t head;
	movi(n, 0);
	value_map[n] = 0;
	head = p.insn.size();
	if (may_goto)
		put(BPFI_MAY_GOTO, 0, 0, 3, 0);
	put(BPFI_ALU64 | (chance(50) ? BPFI_ADD : BPFI_XOR) | BPFI_X, other == n ? R0 : other, n, 0, 0);
	value_map[other == n ? R0 : other] = 0;
	addi(n, 1 + (int)below(2));
	if (may_goto)
		put(BPFI_JMP_JA, 0, 0, (int)head - (int)p.insn.size() - 1, 0);
	else
		put((chance(70) ? BPFI_JMP : BPFI_JMP32) | (chance(50) ? BPFI_JLT : chance(50) ? BPFI_JSLT : BPFI_JNE) |
		    BPFI_K, n, 0, (int)head - (int)p.insn.size() - 1, 2 * (int)below(20));
}

// A loop over numbers or bits; sometimes left early, left undestroyed, or used after the end.
void builder::iterate()
{
	bool bits = chance(30);
	int at = chance(80) ? bits ? -80 : -72 : slot();
	unsigned d = saved(), n = 1 + (unsigned)below(3);
	auto call_iter = [&](int num, int of_bits) {
		kfunc(chance(99) == bits ? of_bits : num);
	};
	if (bits)
		imm64(R2, BPFI_LD_MAP_VALUE, GEN_ARRAY1, 8 * (int)below(4));
	else
		movi(R2, (int32_t)below(5));
	mov(R1, R10), addi(R1, at);
	if (bits)
		movi(R3, chance(90) ? 1 + (int32_t)below(4) : chance(50) ? 0 : 512);
	else if (chance(50))
		movi(R3, (int32_t)below(40));
	else
		mov(R3, any());
	call_iter(GEN_ITER_NEW, GEN_BITS_NEW);
	if (chance(50))
		mov(any(), R0);
	size_t head = p.insn.size();
	mov(R1, R10), addi(R1, chance(97) ? at : slot());
	call_iter(GEN_ITER_NEXT, GEN_BITS_NEXT);
	size_t check = p.insn.size();
	put(BPFI_JMP | BPFI_JEQ | BPFI_K, R0, 0, 0, 0);
	value_map[R0] = 0;
	put(BPFI_LDX | BPFI_MEM | (chance(95) ? BPFI_W : BPFI_DW), d, R0, 0, 0);
	value_map[d] = 0;
	for (unsigned i = 0; i < n; i++)
		switch (below(6)) {
		case 0: case 1: alu(); break;
		case 2: move(); break;
		case 3: spill_fill(); break;
		case 4: if (chance(30)) branch(); else alu(); break;
		default: value_access(); break;
		}
	if (chance(30)) {	// break
		size_t over = p.insn.size();
		put(BPFI_JMP | BPFI_JGT | BPFI_K, d, 0, 0, (int32_t)below(30));
		put(BPFI_JMP_JA, 0, 0, (int)head - (int)p.insn.size() - 1, 0);
		p.insn[over].off = (int16_t)(p.insn.size() - over - 1);
	} else {
		put(BPFI_JMP_JA, 0, 0, (int)head - (int)p.insn.size() - 1, 0);
	}
	p.insn[check].off = (int16_t)(p.insn.size() - check - 1);
	mov(R1, R10), addi(R1, at);
	if (chance(97))
		call_iter(GEN_ITER_DESTROY, GEN_BITS_DESTROY);
	movi(R0, constant());
	value_map[R0] = 0;
}

// Loads through an address that nobody vouches for; sometimes a store.
void builder::cast()
{
	static const unsigned sizes[] = {BPFI_B, BPFI_H, BPFI_W, BPFI_DW};
	unsigned d = saved(), size = sizes[below(4)];
	mov(R1, any());
	movi(R2, chance(97) ? 0 : 7);
	kfunc(GEN_RDONLY_CAST);
	if (chance(50))
		put(BPFI_ALU64 | (chance(80) ? BPFI_ADD : BPFI_SUB) | BPFI_X, R0, any(), 0, 0);
	else if (chance(50))
		addi(R0, constant());
	if (chance(20))		// one load of this and of a map's value
		put(BPFI_JMP | BPFI_JGT | BPFI_K, d, 0, 2, constant()), imm64(R0, BPFI_LD_MAP_VALUE, GEN_ARRAY1, 0);
	put(BPFI_LDX | (size != BPFI_DW && chance(20) ? BPFI_MEMSX : BPFI_MEM) | size, d, R0, (int)below(80) - 8, 0);
	value_map[d] = 0;
	if (chance(10))
		put(BPFI_STX | BPFI_MEM | size, R0, d, 0, 0);
	movi(R0, constant());
	value_map[R0] = 0;
}

void builder::packet()
{
	int n = (int)below(20);
	if (p.type != PROG_XDP) {
		ctx_load();
		return;
	}
	put(BPFI_LDX | BPFI_MEM | BPFI_W, R2, R6, 0, 0);
	put(BPFI_LDX | BPFI_MEM | BPFI_W, R3, R6, 4, 0);
	if (chance(40)) {
		mov(R1, any());
		put(BPFI_ALU64 | BPFI_AND | BPFI_K, R1, 0, 0, 15);
		put(BPFI_ALU64 | BPFI_ADD | BPFI_X, R2, R1, 0, 0);
	}
	mov(R4, R2);
	addi(R4, n);
	switch (below(6)) {
	case 0: jump_later(BPFI_JMP | BPFI_JGT | BPFI_X, R4, R3, 0, true); break;
	case 1: jump_later(BPFI_JMP | BPFI_JGE | BPFI_X, R4, R3, 0, true); break;
	case 2: jump_later(BPFI_JMP | BPFI_JLT | BPFI_X, R3, R4, 0, true); break;
	case 3: jump_later(BPFI_JMP | BPFI_JLE | BPFI_X, R3, R4, 0, true); break;
	case 4: put(BPFI_JMP | BPFI_JLE | BPFI_X, R4, R3, 1, 0);
		jump_later(BPFI_JMP_JA, 0, 0, 0, true); break;
	default: put(BPFI_JMP | BPFI_JLT | BPFI_X, R4, R3, 1, 0);
		jump_later(BPFI_JMP_JA, 0, 0, 0, true);
	}
	if (chance(70))
		put(BPFI_LDX | BPFI_MEM | sizes[below(4)], R0, R2, std::max(0, n - 1 - (int)below(8)), 0);
	else
		put(BPFI_ST | BPFI_MEM | sizes[below(4)], R2, 0, std::max(0, n - 1 - (int)below(8)), 5);
	value_map[R0] = 0;
}

void builder::direct_value()
{
	unsigned d = any();
	if (chance(60)) {
		imm64(R1, BPFI_LD_MAP_VALUE, GEN_RODATA, 4 * (int)below(4));
		put(BPFI_LDX | BPFI_MEM | sizes[below(4)], d, R1, (int)below(4), 0);
		value_map[d] = 0;
		if (chance(50))
			branch();
	} else {
		d = saved();
		imm64(d, BPFI_LD_MAP_VALUE, GEN_ARRAY1, 0);
		value_map[d] = GEN_ARRAY1 + 1;
	}
}

void builder::atomic()
{
	static const int32_t ops[] = {0, 0x40, 0x50, 0xa0, 1, 0x41, 0x51, 0xa1, 0xe1, 0xf1};
	unsigned d = R10, s = any(), size = chance(60) ? BPFI_DW : BPFI_W;
	int off = slot();
	if (chance(60)) {
		d = saved();
		off = (size == BPFI_DW ? 8 : 4) * (int)below(5);
	}
	put(BPFI_STX | BPFI_ATOMIC | size, d, s, off, ops[below(10)]);
	value_map[s] = 0;
}

void builder::subcall()
{
	for (unsigned r = R1; r <= R3; r++)
		mov(r, chance(20) ? (unsigned)R10 : any());
	if (chance(50))
		addi(R1, slot());
	calls.push_back(p.insn.size());
	put(BPFI_JMP_CALL, 0, BPFI_CALL_LOCAL, 0, 0);
	value_map[R0] = 0;
}

void builder::tail()
{
	mov(R1, R6);
	imm64(R2, BPFI_LD_MAP, chance(90) ? GEN_PROGS : GEN_ARRAY, 0);
	movi(R3, (int)below(6));
	call(HELPER_tail_call);
	movi(R0, constant());
}

void builder::one_block()
{
	switch (below(29)) {
	case 0: case 1: case 2: case 3: alu(); break;
	case 4: move(); break;
	case 5: ctx_load(); break;
	case 6: case 7: case 8: branch(); break;
	case 9: case 10: lookup(); break;
	case 11: case 12: case 13: case 14: value_access(); break;
	case 15: case 16: case 17: spill_fill(); break;
	case 18: if (chance(40)) stack_variable(); else direct_value(); break;
	case 19: helper(); break;
	case 20: if (chance(60)) record(); else helper(); break;
	case 21: if (chance(60)) loop(); else if (chance(75)) iterate(); else cast(); break;
	case 22: if (chance(60)) packet(); else atomic(); break;
	case 23: loop_by_callback(); break;
	case 24: each_element(); break;
	case 25: dynptr(); break;
	case 26: locked(); break;
	case 27: inner_lookup(); break;
	default: if (chance(60)) subcall(); else if (chance(30)) tail(); else direct_value(); break;
	}
}

// The next `n` blocks are a function's; jumps out of them go to what is put behind them.
void builder::begin_blocks(unsigned n)
{
	block = n_blocks + 1;
	block_at.resize(block);		// the end of the function before is already there
	n_blocks = block + n;
}

void builder::one_of_function()
{
	switch (below(5)) {
	case 0: alu(); break;
	case 1: branch(); break;
	case 2: spill_fill(); break;
	case 3: move(); break;
	default: if (chance(50)) stack_variable(); else helper();
	}
}

// int f(a, b, c): may use its stack, its arguments, and what they point at.
void builder::subprogram()
{
	size_t start = p.insn.size();
	for (size_t c : calls)
		p.insn[c].imm = (int32_t)start - (int32_t)c - 1;
	memset(value_map, 0, sizeof(value_map));
	mov(R7, R1), mov(R8, R2), mov(R9, R3);
	movi(R0, 0);
	mov(R6, R2);
	if (chance(30))
		put(BPFI_STX | BPFI_MEM | BPFI_DW, R1, R0, 0, 0);
	if (chance(30))
		put(BPFI_LDX | BPFI_MEM | BPFI_DW, R0, R1, 0, 0);
	begin_blocks(1 + (unsigned)below(4));
	for (; block < n_blocks; block++) {
		block_at.push_back(p.insn.size());
		one_of_function();
	}
	block_at.push_back(p.insn.size());
	put(BPFI_JMP_EXIT, 0, 0, 0, 0);
}

void builder::mutate()
{
	for (uint64_t n = 1 + below(3); n--;) {
		bpfi &i = p.insn[below(p.insn.size())];
		switch (below(7)) {
		case 0: i.imm = constant(); break;
		case 1: i.off = (int16_t)(i.off + (int)below(9) - 4); break;
		case 2: i.dst = below(11); break;
		case 3: i.src = below(11); break;
		case 4: i.code ^= (uint8_t)(8u << below(5)); break;
		case 5: i.imm += chance(50) ? 1 : -1; break;
		default: i = p.insn[below(p.insn.size())]; break;
		}
	}
}

gen_prog builder::make(uint64_t seed)
{
	static const enum prog_type types[] = {PROG_KPROBE, PROG_KPROBE, PROG_TRACEPOINT, PROG_XDP, PROG_SOCKET_FILTER,
					       PROG_XDP, PROG_RAW_TRACEPOINT, PROG_PERF_EVENT};
	p.type = types[below(8)];
	p.seed = seed;
	divide = chance(15);
	n_blocks = 2 + (unsigned)below(12);
	set_up();
	for (block = 0; block < n_blocks; block++) {
		block_at.push_back(p.insn.size());
		one_block();
	}
	block_at.push_back(p.insn.size());
	if (chance(70))
		movi(R0, chance(50) ? 1 : 0);
	put(BPFI_JMP_EXIT, 0, 0, 0, 0);
	if (!calls.empty())
		subprogram();
	for (size_t i = 0; i < callbacks.size(); i++) {	// bodies may add more
		callback c = callbacks[i];
		callback_body(c);
	}
	for (auto &f : fixes)
		p.insn[f.insn].off = (int16_t)((int)block_at[f.block] - (int)f.insn - 1);
	p.mutated = chance(35);
	if (p.mutated)
		mutate();
	for (auto &c : callbacks)
		p.by_order |= p.mutated && c.map >= 0;
	return p;
}

gen_prog generate(uint64_t seed)
{
	return builder(seed).make(seed);
}

// Where instructions that `wanted` picks lead to.
template <class Wanted> static void targets(const gen_prog &p, Wanted wanted, std::set<uint32_t> *out)
{
	for (size_t i = 0; i < p.insn.size(); i++) {
		int64_t to = (int64_t)i + 1 + p.insn[i].imm;
		if (wanted(p.insn[i]) && to > 0 && to < (int64_t)p.insn.size())
			out->insert((uint32_t)to);
		if (p.insn[i].code == BPFI_LD_IMM64)
			i++;
	}
}

static bool is_address(const bpfi &in) { return in.code == BPFI_LD_IMM64 && in.src == BPFI_LD_FUNC; }
static bool is_call(const bpfi &in) { return in.code == BPFI_JMP_CALL && in.src == BPFI_CALL_LOCAL; }

std::vector<uint32_t> function_starts(const gen_prog &p)
{
	std::set<uint32_t> at = {0};
	targets(p, is_address, &at);
	targets(p, is_call, &at);
	return {at.begin(), at.end()};
}

std::vector<uint32_t> callback_starts(const gen_prog &p)
{
	std::set<uint32_t> at;
	targets(p, is_address, &at);
	return {at.begin(), at.end()};
}
