/* SPDX-License-Identifier: MIT */
#include "format.h"

enum { STRING_BYTES = 512, NUMBER_BYTES = 24 };

struct text {
	char    *out;
	uint64_t cap, n;	/* n counts on behind cap */
};

static void put(struct text *t, char c)
{
	if (t->n + 1 < t->cap)
		t->out[t->n] = c;
	t->n++;
}

struct conversion {
	bool     left, zero, plus, space;
	uint32_t width;
	uint32_t longs;		/* number of l */
	char     type;		/* d u x X c s p % */
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Reads what follows a '%'; NULL when the kernel would refuse it. */
static const char *parse(const char *p, struct conversion *c)
{
	*c = (struct conversion){ 0 };
	if (*p == '%') {
		c->type = '%';
		return p + 1;
	}
	for (;; p++) {
		if (*p == '-')
			c->left = true;
		else if (*p == '0')
			c->zero = true;
		else if (*p == '+')
			c->plus = true;
		else if (*p == ' ')
			c->space = true;
		else
			break;
	}
	for (; is_digit(*p); p++)
		c->width = c->width < 4096 ? c->width * 10 + (uint32_t)(*p - '0') : 4096;
	if (*p == 'p') {
		bool more = p[1] && p[1] != ' ' && p[1] != '\n' && p[1] != ',' && p[1] != ')' &&
			    p[1] != ']' && p[1] != '%' && p[1] != ':' && p[1] != ';';

		if ((p[1] == 'k' || p[1] == 'u') && p[2] == 's') {
			c->type = 's';
			return p + 3;
		}
		c->type = 'p';
		return more && p[1] != 'x' && p[1] != 'K' ? NULL : p + 1 + (more ? 1 : 0);
	}
	for (; *p == 'l' && c->longs < 2; p++)
		c->longs++;
	switch (*p) {
	case 'i':
	case 'd':
		c->type = 'd';
		return p + 1;
	case 'u':
	case 'x':
	case 'X':
		c->type = *p;
		return p + 1;
	case 'c':
	case 's':
		c->type = *p;
		return c->longs ? NULL : p + 1;
	default:
		return NULL;
	}
}

static void put_padded(struct text *t, const struct conversion *c, const char *sign,
		       const char *s, uint32_t n)
{
	uint32_t len = n + (*sign ? 1 : 0), pad = c->width > len ? c->width - len : 0;
	bool zeros = c->zero && !c->left;

	for (uint32_t i = 0; i < pad && !c->left && !zeros; i++)
		put(t, ' ');
	if (*sign)
		put(t, *sign);
	for (uint32_t i = 0; i < pad && zeros; i++)
		put(t, '0');
	for (uint32_t i = 0; i < n; i++)
		put(t, s[i]);
	for (uint32_t i = 0; i < pad && c->left; i++)
		put(t, ' ');
}

static void put_number(struct text *t, const struct conversion *c, uint64_t v)
{
	uint32_t base = c->type == 'd' || c->type == 'u' ? 10 : 16, n = NUMBER_BYTES;
	char digits[NUMBER_BYTES];
	const char *sign = "";

	if (!c->longs && c->type != 'p')
		v = c->type == 'd' ? (uint64_t)(int64_t)(int32_t)v : (uint32_t)v;
	if (c->type == 'd') {
		sign = (int64_t)v < 0 ? "-" : c->plus ? "+" : c->space ? " " : "";
		v = (int64_t)v < 0 ? 0 - v : v;
	}
	do {
		uint32_t d = (uint32_t)(v % base);

		digits[--n] = (char)(d < 10 ? '0' + d : (c->type == 'X' ? 'A' : 'a') + d - 10);
		v /= base;
	} while (v);
	put_padded(t, c, sign, digits + n, NUMBER_BYTES - n);
}

static void put_string(struct text *t, const struct conversion *c, uint64_t from)
{
	char s[STRING_BYTES];
	int64_t n = (int64_t)rt_read_user_str((uint64_t)s, sizeof(s), from);
	struct conversion plain = *c;

	plain.zero = false;
	put_padded(t, &plain, "", s, n > 0 ? (uint32_t)n - 1 : 0);
}

static bool printable(char c)
{
	return (c >= ' ' && c <= '~') || (c >= '\t' && c <= '\r');
}

int64_t rt_format(char *out, uint64_t cap, const char *fmt, uint64_t fmt_bytes,
		  const uint64_t *arg, uint32_t n_arg)
{
	struct text t = { out, cap, 0 };
	uint32_t used = 0;
	uint64_t len = 0;

	while (len < fmt_bytes && fmt[len])
		if (!printable(fmt[len++]))
			return -RT_EINVAL;
	if (len == fmt_bytes)
		return -RT_EINVAL;
	while (*fmt) {
		struct conversion c;
		char ch;

		if (*fmt != '%') {
			put(&t, *fmt++);
			continue;
		}
		fmt = parse(fmt + 1, &c);
		if (!fmt || (c.type != '%' && used == n_arg))
			return -RT_EINVAL;
		if (c.type == '%') {
			put(&t, '%');
		} else if (c.type == 's') {
			put_string(&t, &c, arg[used++]);
		} else if (c.type == 'c') {
			ch = (char)arg[used++];
			c.zero = false;
			put_padded(&t, &c, "", &ch, 1);
		} else {
			put_number(&t, &c, arg[used++]);
		}
	}
	out[t.n < cap ? t.n : cap - 1] = 0;
	return (int64_t)t.n;
}
