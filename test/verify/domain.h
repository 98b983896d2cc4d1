// SPDX-License-Identifier: MIT
// The interpreter that the abstract domain is compared with, for words of WORD bits,
// written from RFC 9669 and not from the domain.
#pragma once

#include <cstdint>

#include "range.h"

namespace domain {

inline uint64_t cut(uint64_t v, unsigned bits) { return bits >= 64 ? v : v & ((1ull << bits) - 1); }
inline int64_t sgn(uint64_t v, unsigned bits)
{
	v = cut(v, bits);
	return v >> (bits - 1) ? (int64_t)(v | (bits >= 64 ? 0 : ~0ull << bits)) : (int64_t)v;
}

inline uint64_t alu(enum bpfi_op op, unsigned bits, bool is_signed, uint64_t a, uint64_t b)
{
	uint64_t r = 0;
	int64_t sa, sb;

	a = cut(a, bits);
	b = cut(b, bits);
	sa = sgn(a, bits);
	sb = sgn(b, bits);
	switch (op) {
	case BPFI_ADD: r = a + b; break;
	case BPFI_SUB: r = a - b; break;
	case BPFI_MUL: r = a * b; break;
	case BPFI_AND: r = a & b; break;
	case BPFI_OR: r = a | b; break;
	case BPFI_XOR: r = a ^ b; break;
	case BPFI_NEG: r = 0 - a; break;
	case BPFI_LSH: r = a << (b % bits); break;
	case BPFI_RSH: r = a >> (b % bits); break;
	case BPFI_ARSH: r = (uint64_t)(sa >> (b % bits)); break;
	case BPFI_DIV:
		if (is_signed)
			r = !sb ? 0 : sb == -1 ? 0 - a : (uint64_t)(sa / sb);
		else
			r = b ? a / b : 0;
		break;
	case BPFI_MOD:
		if (is_signed)
			r = !sb ? a : sb == -1 ? 0 : (uint64_t)(sa % sb);
		else
			r = b ? a % b : a;
		break;
	default: break;
	}
	return cut(r, bits);
}

inline bool jump(enum bpfi_op op, unsigned bits, uint64_t a, uint64_t b)
{
	int64_t sa = sgn(a, bits), sb = sgn(b, bits);

	a = cut(a, bits);
	b = cut(b, bits);
	switch ((unsigned)op) {
	case BPFI_JEQ: return a == b;
	case BPFI_JNE: return a != b;
	case BPFI_JSET: return a & b;
	case BPFI_JGT: return a > b;
	case BPFI_JGE: return a >= b;
	case BPFI_JLT: return a < b;
	case BPFI_JLE: return a <= b;
	case BPFI_JSGT: return sa > sb;
	case BPFI_JSGE: return sa >= sb;
	case BPFI_JSLT: return sa < sb;
	case BPFI_JSLE: return sa <= sb;
	default: return false;
	}
}

struct named { const char *name; enum bpfi_op op; bool is_signed; };
const named alu_ops[] = {
	{"add", BPFI_ADD, false}, {"sub", BPFI_SUB, false}, {"mul", BPFI_MUL, false},
	{"and", BPFI_AND, false}, {"or", BPFI_OR, false}, {"xor", BPFI_XOR, false},
	{"neg", BPFI_NEG, false}, {"lsh", BPFI_LSH, false}, {"rsh", BPFI_RSH, false},
	{"arsh", BPFI_ARSH, false}, {"div", BPFI_DIV, false}, {"mod", BPFI_MOD, false},
	{"sdiv", BPFI_DIV, true}, {"smod", BPFI_MOD, true},
};
const named jump_ops[] = {
	{"jeq", BPFI_JEQ, false}, {"jne", BPFI_JNE, false}, {"jset", BPFI_JSET, false},
	{"jgt", BPFI_JGT, false}, {"jge", BPFI_JGE, false}, {"jlt", BPFI_JLT, false},
	{"jle", BPFI_JLE, false}, {"jsgt", BPFI_JSGT, false}, {"jsge", BPFI_JSGE, false},
	{"jslt", BPFI_JSLT, false}, {"jsle", BPFI_JSLE, false},
};

inline bool shifts(enum bpfi_op op) { return op == BPFI_LSH || op == BPFI_RSH || op == BPFI_ARSH; }

}
