/* SPDX-License-Identifier: MIT
 *
 * emit_x86_64.h - machine code into a buffer whose address is known.
 *
 * Every sequence has the same length whatever the addresses are: trampolines are built
 * once to learn their size and once more at their final place. */
#ifndef BPFTIME_LINKER_PATCH_EMIT_X86_64_H
#define BPFTIME_LINKER_PATCH_EMIT_X86_64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct code {
	uint8_t *p;
	size_t   n, cap;	/* n may exceed cap: nothing is written then */
	uint64_t vaddr;		/* of p[0] */
	bool     far;		/* a displacement did not fit in 32 bits */
};

static inline uint64_t code_vaddr(const struct code *c) { return c->vaddr + c->n; }

static inline void put(struct code *c, const void *p, size_t n)
{
	if (c->n + n <= c->cap)
		memcpy(c->p + c->n, p, n);
	c->n += n;
}

/* PUT(c, 0x48, 0x89, ...) */
#define PUT(c_, ...)                                     \
	do {                                             \
		const uint8_t put_[] = { __VA_ARGS__ };  \
		put((c_), put_, sizeof(put_));           \
	} while (0)

static inline void put32(struct code *c, uint32_t v) { put(c, &v, 4); }
static inline void put64(struct code *c, uint64_t v) { put(c, &v, 8); }

/* The 32-bit displacement to `target` of a field that `behind` more bytes of the same
 * instruction follow. */
static inline void put_rel32(struct code *c, uint64_t target, unsigned behind)
{
	int64_t d = (int64_t)(target - (code_vaddr(c) + 4 + behind));

	c->far |= d != (int32_t)d;
	put32(c, (uint32_t)d);
}

static inline void put_jmp(struct code *c, uint64_t target)
{
	PUT(c, 0xe9);
	put_rel32(c, target, 0);
}

static inline void put_call(struct code *c, uint64_t target)
{
	PUT(c, 0xe8);
	put_rel32(c, target, 0);
}

/* jcc rel32; cc is the low nibble of the opcode */
enum { CC_C = 2, CC_NC = 3, CC_E = 4, CC_NE = 5, CC_BE = 6, CC_NS = 9 };
static inline void put_jcc(struct code *c, uint8_t cc, uint64_t target)
{
	PUT(c, 0x0f, (uint8_t)(0x80 | cc));
	put_rel32(c, target, 0);
}

/* The rel8 that ends at offset `end` leads here. */
static inline void fix_rel8(struct code *c, size_t end)
{
	if (end <= c->cap)
		c->p[end - 1] = (uint8_t)(c->n - end);
}

/* Corrects the rel32 at offset `at`, once its target is known. */
static inline void fix_rel32(struct code *c, size_t at, size_t target_off)
{
	uint32_t d = (uint32_t)(target_off - (at + 4));

	if (at + 4 <= c->cap)
		memcpy(c->p + at, &d, 4);
}

#endif
