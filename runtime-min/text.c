/* SPDX-License-Identifier: MIT */
#include "text.h"

void rt_put_char(struct rt_text *t, char c)
{
	if (t->used + 1 >= t->bytes) {
		t->cut = true;
		return;
	}
	t->at[t->used++] = c;
	t->at[t->used] = 0;
}

void rt_put(struct rt_text *t, const char *s)
{
	while (*s)
		rt_put_char(t, *s++);
}

void rt_put_all(char *to, uint32_t bytes, const char *s)
{
	struct rt_text t = rt_text(to, bytes);

	if (s)
		rt_put(&t, s);
}

void rt_put_number(struct rt_text *t, uint64_t v, uint32_t base, uint32_t digits)
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

void rt_put_hex(struct rt_text *t, const uint8_t *hash)
{
	for (uint32_t i = 0; i < 8; i++)
		rt_put_number(t, hash[i], 16, 2);
}

uint64_t rt_get_number(const char *s, const char **end)
{
	uint64_t v = 0;

	for (; *s >= '0' && *s <= '9'; s++)
		v = v * 10 + (uint64_t)(*s - '0');
	*end = s;
	return v;
}
