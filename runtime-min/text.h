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

static inline void rt_put_char(struct rt_text *t, char c)
{
	if (t->used + 1 >= t->bytes) {
		t->cut = true;
		return;
	}
	t->at[t->used++] = c;
	t->at[t->used] = 0;
}

static inline void rt_put(struct rt_text *t, const char *s)
{
	while (*s)
		rt_put_char(t, *s++);
}

static inline void rt_put_number(struct rt_text *t, uint64_t v, uint32_t base, uint32_t digits)
{
	char buf[24];
	uint32_t n = 0;

	do {
		buf[n++] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v || n < digits);
	while (n)
		rt_put_char(t, buf[--n]);
}

/* Reads a decimal number; *end is the first character behind it. */
static inline uint64_t rt_get_number(const char *s, const char **end)
{
	uint64_t v = 0;

	for (; *s >= '0' && *s <= '9'; s++)
		v = v * 10 + (uint64_t)(*s - '0');
	*end = s;
	return v;
}

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
