/* SPDX-License-Identifier: MIT
 *
 * jhash.h - Bob Jenkins' lookup3, as the kernel's include/linux/jhash.h has it: filters and ids
 * of stacks are then the kernel's own. */
#ifndef BPFTIME_RUNTIME_JHASH_H
#define BPFTIME_RUNTIME_JHASH_H

#include "mem.h"

#define RT_JHASH_START 0xdeadbeefu

struct rt_jhash {
	uint32_t a, b, c;
};

static inline uint32_t rt_rol32(uint32_t v, int n)
{
	return v << n | v >> (32 - n);
}

static inline void rt_jhash_mix(struct rt_jhash *h)
{
	uint32_t a = h->a, b = h->b, c = h->c;

	a -= c; a ^= rt_rol32(c, 4); c += b;
	b -= a; b ^= rt_rol32(a, 6); a += c;
	c -= b; c ^= rt_rol32(b, 8); b += a;
	a -= c; a ^= rt_rol32(c, 16); c += b;
	b -= a; b ^= rt_rol32(a, 19); a += c;
	c -= b; c ^= rt_rol32(b, 4); b += a;
	*h = (struct rt_jhash){ a, b, c };
}

static inline uint32_t rt_jhash_end(struct rt_jhash h)
{
	uint32_t a = h.a, b = h.b, c = h.c;

	c ^= b; c -= rt_rol32(b, 14);
	a ^= c; a -= rt_rol32(c, 11);
	b ^= a; b -= rt_rol32(a, 25);
	c ^= b; c -= rt_rol32(b, 16);
	a ^= c; a -= rt_rol32(c, 4);
	b ^= a; b -= rt_rol32(a, 14);
	c ^= b; c -= rt_rol32(b, 24);
	return c;
}

/* jhash(key, bytes, init); where bytes is a multiple of 4 jhash2() of its words as well. */
static inline uint32_t rt_jhash(const void *key, uint32_t bytes, uint32_t init)
{
	uint32_t start = RT_JHASH_START + bytes + init;
	struct rt_jhash h = { start, start, start };
	const uint8_t *k = key;
	uint32_t word[3] = { 0, 0, 0 }, i = 0;

	for (; bytes > 12; bytes -= 12, k += 12) {
		h.a += RT_LOAD_AT(uint32_t, k, 0);
		h.b += RT_LOAD_AT(uint32_t, k, 4);
		h.c += RT_LOAD_AT(uint32_t, k, 8);
		rt_jhash_mix(&h);
	}
	if (!bytes)
		return h.c;
	for (; i + 4 <= bytes; i += 4)
		word[i / 4] = RT_LOAD_AT(uint32_t, k, i);
	for (; i < bytes; i++)
		word[i / 4] |= (uint32_t)k[i] << i % 4 * 8;
	return rt_jhash_end((struct rt_jhash){ h.a + word[0], h.b + word[1], h.c + word[2] });
}

#endif
