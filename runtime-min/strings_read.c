/* SPDX-License-Identifier: MIT
 *
 * strings_read.c - the kernel functions on strings (kernel/bpf/helpers.c, bpf_str*), and
 * bpf_copy_from_user_str().
 *
 * The addresses may be anything.  What the kernel answers for those that cannot be its own
 * (-ERANGE) is answered for the first page, NULL above all; -EFAULT is what is not there. */
#include "text_read.h"

#include "mem.h"
#include "read.h"

enum { WINDOW = 64, FIRST_PAGE = 4096, PAD_ZEROS = 1, NO_CHAR = -RT_EFAULT };

/* A string, of which a few bytes have been read. */
struct window {
	uint64_t at;		/* address of byte 0 of the string */
	uint64_t from, n;	/* bytes [from, from + n) are in buf */
	uint8_t  buf[WINDOW];
};

/* false: there cannot be a string. */
static bool open(struct window *w, uint64_t at)
{
	w->at = at;
	w->from = w->n = 0;
	return at >= FIRST_PAGE;
}

/* Byte i of the string, or NO_CHAR.  No window crosses a page: the next one may not be there. */
static int32_t byte(struct window *w, uint64_t i)
{
	uint64_t at = w->at + i, left = FIRST_PAGE - at % FIRST_PAGE;

	if (i - w->from >= w->n) {
		w->from = i;
		w->n = rt_read_some(w->buf, at, left < WINDOW ? left : WINDOW);
		if (!w->n)
			return NO_CHAR;
	}
	return w->buf[i - w->from];
}

static uint64_t result(int32_t v)
{
	return (uint32_t)v;
}

static int32_t lower(int32_t c)
{
	bool latin = c >= 0xc0 && c <= 0xde && c != 0xd7;	/* lib/ctype.c is Latin-1 */

	return (c >= 'A' && c <= 'Z') || latin ? c + 'a' - 'A' : c;
}

uint64_t rt_str_cmp(uint64_t a, uint64_t b, uint64_t ignore_case)
{
	struct window x, y;

	if (!open(&x, a) || !open(&y, b))
		return result(-RT_ERANGE);
	for (uint64_t i = 0; i < RT_STR_MAX; i++) {
		int32_t c = byte(&x, i), d = byte(&y, i);

		if (c < 0 || d < 0)
			return result(NO_CHAR);
		if (ignore_case)
			c = lower(c), d = lower(d);
		if (c != d)
			return result(c < d ? -1 : 1);
		if (!c)
			return 0;
	}
	return result(-RT_E2BIG);
}

uint64_t rt_str_chr(uint64_t s, uint64_t count, uint64_t what, uint64_t how)
{
	int32_t want = (int32_t)what, last = -RT_ENOENT;
	struct window w;
	uint64_t i;

	if (!open(&w, s))
		return result(-RT_ERANGE);
	for (i = 0; i < count && i < RT_STR_MAX; i++) {
		int32_t c = byte(&w, i);

		if (c < 0)
			return result(NO_CHAR);
		if (how == RT_STR_RCHR && c == want)
			last = (int32_t)i;
		else if (how != RT_STR_RCHR && c == want)
			return i;
		if (!c)
			return how == RT_STR_CHRNUL ? i : result(last);
	}
	return result(i == RT_STR_MAX ? -RT_E2BIG : -RT_ENOENT);
}

uint64_t rt_str_nlen(uint64_t s, uint64_t count)
{
	struct window w;
	uint64_t i;

	if (!open(&w, s))
		return result(-RT_ERANGE);
	for (i = 0; i < count && i < RT_STR_MAX; i++) {
		int32_t c = byte(&w, i);

		if (c < 0)
			return result(NO_CHAR);
		if (!c)
			return i;
	}
	return i == RT_STR_MAX ? result(-RT_E2BIG) : i;
}

/* Is c in the set?  Negative: NO_CHAR, or -E2BIG. */
static int32_t in_set(struct window *set, int32_t c)
{
	for (uint64_t i = 0; i < RT_STR_MAX; i++) {
		int32_t d = byte(set, i);

		if (d <= 0)
			return d;
		if (c == d)
			return 1;
	}
	return -RT_E2BIG;
}

uint64_t rt_str_span(uint64_t s, uint64_t set, uint64_t accept)
{
	struct window w, v;

	if (!open(&w, s) || !open(&v, set))
		return result(-RT_ERANGE);
	for (uint64_t i = 0; i < RT_STR_MAX; i++) {
		int32_t c = byte(&w, i), in;

		if (c <= 0)
			return c ? result(NO_CHAR) : i;
		in = in_set(&v, c);
		if (in < 0)
			return result(in);
		if ((uint64_t)in != accept)
			return i;
	}
	return result(-RT_E2BIG);
}

/* Does b begin at byte `from` of a?  1; or how the search goes on or ends: 0, -errno. */
static int32_t begins(struct window *a, struct window *b, uint64_t from, uint64_t bytes)
{
	for (uint64_t i = 0; from + i <= bytes && i < RT_STR_MAX; i++) {
		int32_t d = byte(b, i), c;

		if (d <= 0)
			return d ? NO_CHAR : 1;
		if (from + i == bytes)
			return -RT_ENOENT;
		c = byte(a, from + i);
		if (c <= 0)
			return c ? NO_CHAR : -RT_ENOENT;
		if (c != d)
			return 0;
	}
	return -RT_E2BIG;
}

uint64_t rt_str_nstr(uint64_t a, uint64_t b, uint64_t bytes)
{
	struct window x, y;

	if (!open(&x, a) || !open(&y, b))
		return result(-RT_ERANGE);
	for (uint64_t i = 0; i < RT_STR_MAX; i++) {
		int32_t r = begins(&x, &y, i, bytes);

		if (r)
			return r < 0 ? result(r) : i;
	}
	return result(-RT_E2BIG);
}

/* Without PAD_ZEROS what is behind the NUL stays as it was. */
uint64_t rt_copy_user_str(uint64_t to, uint64_t bytes, uint64_t from, uint64_t flags)
{
	uint8_t *out = (uint8_t *)to;
	struct window w;
	uint64_t i;
	int32_t c = 0;

	if (flags & ~(uint64_t)PAD_ZEROS)
		return result(-RT_EINVAL);
	if (!bytes)
		return 0;
	open(&w, from);
	for (i = 0; i < bytes - 1 && (c = byte(&w, i)) > 0; i++)
		out[i] = (uint8_t)c;
	if (c < 0) {
		if (flags)
			rt_fill_long(out, 0, bytes);
		return result(NO_CHAR);
	}
	rt_fill_long(out + i, 0, flags ? bytes - i : 1);
	return i + 1;
}
