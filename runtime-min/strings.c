/* SPDX-License-Identifier: MIT
 *
 * strings.c - bpf_snprintf, bpf_strtol, bpf_strtoul, bpf_strncmp; memory.  Source: kernel/bpf/helpers.c. */
#include "format.h"
#include "mem.h"
#include "text.h"

enum { MAX_ARGS = 12, BASE_MASK = 0x1f, DIGITS = 63, NBSP = 0xa0 };

/* Kernel: bpf_snprintf(): what does not fit is cut; the result counts the NUL. */
uint64_t rt_snprintf(uint64_t out, uint64_t bytes, uint64_t fmt, uint64_t data, uint64_t data_bytes)
{
	char none[1];
	int64_t n;

	if (data_bytes % 8 || data_bytes > MAX_ARGS * 8 || (data_bytes && !data))
		return (uint64_t)-RT_EINVAL;
	n = rt_format(bytes ? (char *)out : none, bytes ? bytes : 1, (const char *)fmt,
		      rt_length((const char *)fmt) + 1ull, (const uint64_t *)data,
		      (uint32_t)(data_bytes / 8));
	return (uint64_t)(n < 0 ? n : n + 1);
}

static bool is_space(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r') || c == NBSP;
}

static uint32_t digit(char c)
{
	char lower = (char)(c | 0x20);

	if (c >= '0' && c <= '9')
		return (uint32_t)(c - '0');
	return lower >= 'a' && lower <= 'f' ? (uint32_t)(lower - 'a') + 10 : 16;
}

/* Kernel: _parse_integer_fixup_radix().  Returns where the digits begin. */
static const char *radix(const char *s, uint32_t *base)
{
	bool hex = s[0] == '0' && (s[1] | 0x20) == 'x';

	if (!*base)
		*base = s[0] != '0' ? 10 : hex && digit(s[2]) < 16 ? 16 : 8;
	return *base == 16 && hex ? s + 2 : s;
}

/* Kernel: __bpf_strtoull().  Returns the bytes used, or -errno. */
static int64_t number(const char *at, uint64_t bytes, uint64_t flags, uint64_t *v, bool *negative)
{
	uint32_t base = (uint32_t)flags & BASE_MASK, d;
	char str[DIGITS + 1];
	uint64_t used = 0, left;
	bool overflow = false;
	const char *s, *begin;

	if (!bytes || (base && base != 8 && base != 10 && base != 16) || flags & ~(uint64_t)BASE_MASK)
		return -RT_EINVAL;
	while (used < bytes && is_space((uint8_t)at[used]))
		used++;
	*negative = used < bytes && at[used] == '-';
	used += *negative;
	left = bytes - used < DIGITS ? bytes - used : DIGITS;
	if (!left)
		return -RT_EINVAL;
	rt_copy(str, at + used, left);
	str[left] = 0;
	begin = s = radix(str, &base);
	for (*v = 0; (d = digit(*s)) < base; s++) {
		overflow |= *v > (UINT64_MAX - d) / base;
		*v = *v * base + d;
	}
	if (overflow)
		return -RT_ERANGE;
	return s == begin ? -RT_EINVAL : (int64_t)(used + (uint64_t)(s - str));
}

uint64_t rt_strtol(uint64_t at, uint64_t bytes, uint64_t flags, uint64_t to)
{
	uint64_t v;
	bool negative;
	int64_t r = number((const char *)at, bytes, flags, &v, &negative);

	*(int64_t *)to = 0;
	if (r < 0)
		return (uint64_t)r;
	if (negative ? (int64_t)(0 - v) > 0 : (int64_t)v < 0)
		return (uint64_t)-RT_ERANGE;
	*(int64_t *)to = (int64_t)(negative ? 0 - v : v);
	return (uint64_t)r;
}

uint64_t rt_strtoul(uint64_t at, uint64_t bytes, uint64_t flags, uint64_t to)
{
	uint64_t v;
	bool negative;
	int64_t r = number((const char *)at, bytes, flags, &v, &negative);

	*(uint64_t *)to = 0;
	if (r >= 0 && negative)
		r = -RT_EINVAL;
	if (r >= 0)
		*(uint64_t *)to = v;
	return (uint64_t)r;
}

uint64_t rt_memmove(uint64_t to, uint64_t from, uint64_t bytes)
{
	volatile uint8_t *t = (volatile uint8_t *)to;
	const volatile uint8_t *f = (const volatile uint8_t *)from;

	if (to - from >= bytes) {	/* upwards nothing is overwritten before it is read */
		rt_copy_long((void *)to, (const void *)from, bytes);
		return 0;
	}
	while (bytes--)
		t[bytes] = f[bytes];
	return 0;
}

uint64_t rt_memset(uint64_t to, uint64_t value, uint64_t bytes)
{
	rt_fill_long((void *)to, (uint8_t)value, bytes);
	return 0;
}

/* Kernel: strncmp(): -1, 0 or 1. */
uint64_t rt_strncmp(uint64_t a, uint64_t bytes, uint64_t b)
{
	const uint8_t *x = (const uint8_t *)a, *y = (const uint8_t *)b;

	for (uint64_t i = 0; i < bytes; i++) {
		if (x[i] != y[i])
			return x[i] < y[i] ? (uint64_t)-1 : 1;
		if (!x[i])
			break;
	}
	return 0;
}
