/* SPDX-License-Identifier: MIT */
#include "arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diag.h"

enum { BLOCK_BYTES = 1 << 16, ALIGN = 16 };

struct block {
	struct block *next;
	size_t used, cap;	/* bytes behind this header */
	_Alignas(ALIGN) unsigned char data[];
};
struct arena {
	struct block *head;
};

static _Noreturn void fail(size_t bytes)
{
	fprintf(stderr, "error[E003]: out of memory: %zu bytes\n", bytes);
	exit(EX_ENV);
}

struct arena *arena_new(void)
{
	struct arena *a = calloc(1, sizeof(*a));

	if (!a)
		fail(sizeof(*a));
	return a;
}

void arena_free(struct arena *a)
{
	if (!a)
		return;
	for (struct block *b = a->head, *next; b; b = next) {
		next = b->next;
		free(b);
	}
	free(a);
}

void *arena_alloc(struct arena *a, size_t bytes)
{
	struct block *b = a->head;

	if (bytes > SIZE_MAX / 2)
		fail(bytes);
	bytes = (bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	if (!b || b->cap - b->used < bytes) {
		size_t cap = bytes > BLOCK_BYTES / 4 ? bytes : BLOCK_BYTES;

		b = calloc(1, sizeof(*b) + cap);
		if (!b)
			fail(bytes);
		b->cap = cap;
		if (cap == bytes && a->head) {	/* a big one: keep filling the current block */
			b->next = a->head->next;
			a->head->next = b;
		} else {
			b->next = a->head;
			a->head = b;
		}
	}
	b->used += bytes;
	return b->data + b->used - bytes;
}

void *arena_array(struct arena *a, size_t n, size_t bytes)
{
	if (bytes && n > SIZE_MAX / 2 / bytes)
		fail(SIZE_MAX);
	return arena_alloc(a, n * bytes);
}

void *arena_dup(struct arena *a, const void *p, size_t bytes)
{
	void *q = arena_alloc(a, bytes);

	if (bytes)
		memcpy(q, p, bytes);
	return q;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return arena_dup(a, s, strlen(s) + 1);
}

char *arena_strndup(struct arena *a, const char *s, size_t max)
{
	size_t n = strnlen(s, max);
	char *d = arena_alloc(a, n + 1);

	memcpy(d, s, n);
	return d;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *s;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	s = arena_alloc(a, (size_t)n + 1);
	va_start(ap, fmt);
	vsnprintf(s, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return s;
}

char *arena_hex(struct arena *a, const void *p, size_t bytes)
{
	static const char digit[] = "0123456789abcdef";
	const unsigned char *from = p;
	char *s = arena_alloc(a, 2 * bytes + 1);

	for (size_t i = 0; i < bytes; i++) {
		s[2 * i] = digit[from[i] >> 4];
		s[2 * i + 1] = digit[from[i] & 15];
	}
	return s;
}

void *arena_grow(struct arena *a, void *vec, size_t n, size_t *cap, size_t bytes)
{
	void *grown;

	if (n < *cap)
		return vec;
	*cap = *cap ? *cap * 2 : 8;
	grown = arena_array(a, *cap, bytes);
	if (n)
		memcpy(grown, vec, n * bytes);
	return grown;
}
