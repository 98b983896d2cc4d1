/* SPDX-License-Identifier: MIT
 *
 * text.h - building and reading short strings. */
#ifndef BPFTIME_RUNTIME_TEXT_H
#define BPFTIME_RUNTIME_TEXT_H

#include "rt_base.h"

/* What does not fit is dropped and marks the text as cut; it always ends with NUL. */
struct rt_text {
	char    *at;
	uint32_t bytes, used;	/* used < bytes, without the NUL */
	bool     cut;
};

RT_INLINE struct rt_text rt_text(char *at, uint32_t bytes)
{
	at[0] = 0;
	return (struct rt_text){ at, bytes, 0, false };
}

#pragma GCC visibility push(hidden)
void rt_put_char(struct rt_text *t, char c);
void rt_put(struct rt_text *t, const char *s);
/* Nothing but s, cut to fit; NULL: "". */
void rt_put_all(char *to, uint32_t bytes, const char *s);
/* At least `digits` digits. */
void rt_put_number(struct rt_text *t, uint64_t v, uint32_t base, uint32_t digits);
/* The first eight bytes of a hash, which names things. */
void rt_put_hex(struct rt_text *t, const uint8_t *hash);
/* Reads a decimal number; *end is the first character behind it. */
uint64_t rt_get_number(const char *s, const char **end);
#pragma GCC visibility pop

static inline uint32_t rt_length(const char *s)
{
	uint32_t n = 0;

	while (((const volatile char *)s)[n])
		n++;
	return n;
}

static inline bool rt_same(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

#endif
