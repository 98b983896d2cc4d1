/* SPDX-License-Identifier: MIT
 *
 * elfout.h - a growing block of bytes, for those who write ELF files. */
#ifndef BPFTIME_LINKER_ELFOUT_H
#define BPFTIME_LINKER_ELFOUT_H

#include <string.h>

#include "arena.h"
#include "reader.h"

struct blob {
	struct arena *arena;
	uint8_t *p;
	size_t n, cap;
};

/* Appends n bytes (zeros when p is NULL) at a multiple of `align`; returns their offset. */
static inline uint64_t blob_add(struct blob *b, const void *p, size_t n, size_t align)
{
	size_t at = (b->n + align - 1) / align * align;

	if (at + n > b->cap) {
		size_t cap = (at + n) * 2 + 256;
		uint8_t *grown = arena_alloc(b->arena, cap);

		if (b->n)
			memcpy(grown, b->p, b->n);
		b->p = grown;
		b->cap = cap;
	}
	if (p && n)
		memcpy(b->p + at, p, n);
	b->n = at + n;
	return at;
}

/* For string tables, which start with the empty string. */
static inline uint32_t blob_str(struct blob *b, const char *s)
{
	if (!b->n)
		blob_add(b, "", 1, 1);
	return *s ? (uint32_t)blob_add(b, s, strlen(s) + 1, 1) : 0;
}

#endif
