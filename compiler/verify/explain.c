/* SPDX-License-Identifier: MIT
 *
 * explain.c - a refusal in words: what was required, what was known, where it came from. */
#include "vfy.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct loc vfy_at(struct vfy *v, uint32_t insn)
{
	return at_insn(v->u->path, v->p->name, insn, unit_src(v->u, v->p, insn));
}

static int report(struct vfy *v, enum diag_code code, const char *fmt, va_list ap)
{
	char text[480];

	vsnprintf(text, sizeof(text), fmt, ap);
	return diag(v->dg, code, vfy_at(v, v->cur->pc), "%s", text);
}

int refuse(struct vfy *v, enum diag_code code, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = report(v, code, fmt, ap);
	va_end(ap);
	return r;
}

void explain_insn(struct vfy *v, uint32_t insn)
{
	const char *src = unit_src(v->u, v->p, insn);
	char text[128];

	vfy_insn_text(v->u, v->p, insn, text, sizeof(text));
	diag_more(v->dg, "%5u: %s%s%s", insn, text, src ? "  ; " : "", src ? src : "");
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* The instructions that made a value, nearest first found, shown in program order. */
static void explain_def(struct vfy *v, uint32_t def)
{
	enum { SHOWN = 8, LOOKED_AT = 256 };
	uint32_t work[64], insn[SHOWN];
	size_t head = 0, tail = 0, n = 0;

	if (!v->dg->out)
		return;
	work[tail++] = def;
	for (int left = LOOKED_AT; head != tail && n < SHOWN && left; left--) {
		const struct def *d = &v->def[work[head++ % 64]];
		size_t k = 0;

		if (d == v->def)
			continue;
		while (k < n && insn[k] != d->insn)
			k++;
		if (k == n && d->insn != DEF_RENAMED)
			insn[n++] = d->insn;
		for (int i = 0; i < 2; i++)
			if (d->from[i] && tail - head < 64)
				work[tail++ % 64] = d->from[i];
	}
	qsort(insn, n, sizeof(insn[0]), by_number);
	for (size_t i = 0; i < n; i++)
		explain_insn(v, insn[i]);
}

int refuse_reg(struct vfy *v, enum diag_code code, unsigned r, const char *fmt, ...)
{
	const struct reg *reg = reg_of(v, r);
	va_list ap;
	int e;

	va_start(ap, fmt);
	e = report(v, code, fmt, ap);
	va_end(ap);
	diag_more(v->dg, "r%u is %s%s", r, reg_text(v, reg),
		  reg->type != REG_NONE && v->n_def > 1 && reg->def ? ", made by" : "");
	if (reg->type != REG_NONE)
		explain_def(v, reg->def);
	return e;
}

static int put(char *out, size_t n, size_t *at, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
static int put(char *out, size_t n, size_t *at, const char *fmt, ...)
{
	va_list ap;
	int k;

	va_start(ap, fmt);
	k = vsnprintf(out + *at, n - *at, fmt, ap);
	va_end(ap);
	*at += k > 0 ? (size_t)k : 0;
	if (*at >= n)
		*at = n - 1;
	return k;
}

static void put_range(char *out, size_t n, size_t *at, const struct scalar *s)
{
	if (scalar_is_const(s)) {
		put(out, n, at, "%" PRId64, (int64_t)s->bits.value);
		return;
	}
	if (s->w.umin || s->w.umax != UINT64_MAX)
		put(out, n, at, "%" PRIu64 "..%" PRIu64, s->w.umin, s->w.umax);
	else if (s->w.smin != INT64_MIN || s->w.smax != INT64_MAX)
		put(out, n, at, "%" PRId64 "..%" PRId64, s->w.smin, s->w.smax);
	else
		put(out, n, at, "any 64-bit number");
	if (s->w.umax > UINT32_MAX && (s->h.umin || s->h.umax != UINT32_MAX))
		put(out, n, at, " with a lower half of %" PRIu64 "..%" PRIu64, s->h.umin, s->h.umax);
}

const char *reg_text(struct vfy *v, const struct reg *r)
{
	static const char *const names[] = {
		[REG_NONE] = "not set", [REG_SCALAR] = "a number", [REG_CTX] = "the context",
		[REG_STACK] = "the stack", [REG_MAP] = "the map", [REG_MAP_VALUE] = "a value of",
		[REG_MAP_KEY] = "a key of", [REG_PACKET] = "the packet",
		[REG_PACKET_META] = "the packet's metadata", [REG_PACKET_END] = "the packet's end",
		[REG_MEM] = "memory", [REG_FUNC] = "a function",
		[REG_ARENA] = "an address in the arena",
		[REG_ANYWHERE] = "an address that nobody vouches for",
		[REG_DYNPTR] = "a dynptr", [REG_GONE] = "what pointed into a dynptr that is gone",
	};
	char *out = arena_alloc(v->mem, 256);
	size_t at = 0, n = 256;

	put(out, n, &at, "%s", names[r->type]);
	if (r->type == REG_SCALAR) {
		put(out, n, &at, ": ");
		put_range(out, n, &at, &r->var);
	}
	if (r->type == REG_MAP || r->type == REG_MAP_VALUE || r->type == REG_MAP_KEY)
		put(out, n, &at, " %s", v->u->map[r->map].name);
	if (r->type == REG_MAP_VALUE)
		put(out, n, &at, " (%u bytes)", v->u->map[r->map].value_size);
	if (r->type == REG_MEM)
		put(out, n, &at, " of %u bytes", r->size);
	if (is_packet(r))
		put(out, n, &at, " (%u bytes known to be there)", r->range);
	if (is_pointer(r) && r->off)
		put(out, n, &at, " %+d", r->off);
	if (is_pointer(r) && !scalar_is(&r->var, 0)) {
		put(out, n, &at, " + ");
		put_range(out, n, &at, &r->var);
	}
	if (r->or_null)
		put(out, n, &at, ", or NULL");
	return out;
}
