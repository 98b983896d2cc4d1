/* SPDX-License-Identifier: MIT
 *
 * unwind_table.c - looks up what unwindfmt.h describes.  It is part of the payload, whose bytes
 * are trusted. */
#include "unwind.h"

#include "rel.h"
#include "rt.h"

static const struct unwind_table *table(void)
{
	const struct unwind_table *t = &bpftime_rt1_unwind;

	__asm__("" : "+r"(t));	/* more follows: the compiler shall not take it for one struct */
	return t->version == UNWIND_VERSION ? t : NULL;
}

static const uint32_t *first_rows(const struct unwind_table *t)
{
	return (const uint32_t *)(t + 1);
}

static const struct unwind_row *rows(const struct unwind_table *t)
{
	return (const struct unwind_row *)(first_rows(t) + t->n_block + 1);
}

static const struct unwind_site *sites(const struct unwind_table *t)
{
	return (const struct unwind_site *)(rows(t) + t->n_row);
}

static const struct unwind_rule *rules(const struct unwind_table *t)
{
	return (const struct unwind_rule *)(sites(t) + t->n_site);
}

/* The rule of a hooked place that is not a function's entry. */
static bool find_site(const struct unwind_table *t, uint64_t off, struct unwind_rule *out)
{
	const struct unwind_site *s = sites(t);
	uint32_t lo = 0, hi = t->n_site;

	while (lo < hi) {
		uint32_t mid = (lo + hi) / 2;

		if (s[mid].off < off)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == t->n_site || s[lo].off != off)
		return false;
	*out = rules(t)[s[lo].rule];
	return true;
}

/* The last row at or below off. */
static bool find_row(const struct unwind_table *t, uint64_t off, struct unwind_rule *out)
{
	const struct unwind_row *r = rows(t);
	uint64_t block = off >> UNWIND_BLOCK_BITS;
	uint32_t lo, hi, low = off & ((1u << UNWIND_BLOCK_BITS) - 1);

	if (block >= t->n_block)
		return false;
	lo = first_rows(t)[block];
	hi = first_rows(t)[block + 1];
	while (lo < hi) {
		uint32_t mid = (lo + hi) / 2;

		if (r[mid].off <= low)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo)
		return false;
	*out = rules(t)[r[lo - 1].rule];
	return out->cfa != UNWIND_UNKNOWN;
}

bool rt_unwind_table(const struct rt_place *p, struct unwind_rule *out)
{
	const struct unwind_table *t = table();
	uint64_t base;

	if (!t || !t->base_rel)
		return false;
	base = (uint64_t)RT_REL(const char, t->base_rel);
	if (p->first && find_site(t, p->ip - base, out))
		return out->cfa != UNWIND_UNKNOWN;
	return !p->exact && find_row(t, p->ip - 1 - base, out);
}

bool rt_unwind_in_trampoline(uint64_t ip)
{
	const struct unwind_table *t = table();

	return t && ip - (uint64_t)RT_REL(const char, t->tramp_rel) < t->tramp_bytes;
}

uint64_t rt_unwind_unhooked(uint64_t ra, uint64_t sp)
{
	const struct unwind_table *t = table();
	const struct rt_slot *slot;

	if (!t || !t->stubs_rel)
		return ra;
	slot = RT_REL(const struct rt_slot, t->slots_rel);
	for (uint32_t i = 0; i < RT_SLOT_LINKS; i++) {
		uint32_t k = rt_slot_of(ra, sp, (uint64_t)RT_REL(const char, t->stubs_rel));

		if (k == RT_SLOTS)
			break;
		ra = rt_load(&slot[k].ra);
	}
	return ra;
}
