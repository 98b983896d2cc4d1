/* SPDX-License-Identifier: MIT */
#include "hist.h"

#include <inttypes.h>
#include <string.h>

#include "btfval.h"
#include "entry.h"

/* Where in a value the slots are. */
struct place {
	size_t off, each, n;
};

static bool place_of_array(const struct btf *btf, uint32_t id, struct place *p)
{
	const struct btf_type *t = btfval_resolve(btf, id, NULL);
	int64_t each;

	if (!t || !btf_is_array(t) || !btfval_is_scalar(btf, btf_array(t)->type, NULL))
		return false;
	each = btfval_size(btf, btf_array(t)->type);
	p->each = (size_t)each;
	p->n = btf_array(t)->nelems;
	return (each == 4 || each == 8) && p->n && p->n <= HIST_MAX_SLOTS;
}

static bool find_place(const struct mapfile *m, struct place *p)
{
	const struct btf_type *t = m->value_type ? btfval_resolve(m->btf, m->value_type, NULL) : NULL;
	unsigned found = 0;

	*p = (struct place){ 0 };
	if (!t)
		return false;
	if (place_of_array(m->btf, m->value_type, p))
		return true;
	for (uint16_t i = 0; btf_is_struct(t) && i < btf_vlen(t); i++) {
		struct place here;

		if (!place_of_array(m->btf, btf_members(t)[i].type, &here))
			continue;
		here.off = btf_member_bit_offset(t, i) / 8;
		*p = here;
		found++;
	}
	return found == 1 && p->off + p->n * p->each <= m->h.value_size;
}

static uint64_t slot_at(const uint8_t *p, size_t each)
{
	uint64_t v = 0;

	memcpy(&v, p, each);
	return v;
}

int hist_read(const struct mapfile *m, struct arena *a, struct hist_list *out, struct diags *dg)
{
	bool whole = (m->h.type == MAP_TYPE_array || m->h.type == MAP_TYPE_percpu_array) &&
		     m->h.max_entries <= HIST_MAX_SLOTS &&
		     (m->h.value_size == 4 || m->h.value_size == 8);
	struct place p = { 0, m->h.value_size, 1 };
	void *key = arena_alloc(a, m->h.key_size + 8);
	uint8_t *value = arena_alloc(a, m->value_bytes + 8);
	struct entry_keys keys;
	struct hist *h = NULL;
	int r;

	*out = (struct hist_list){ 0 };
	if (!whole && !find_place(m, &p))
		return diag(dg, DIAG_M008, at_file(m->ref.label),
			    "neither it nor its values are arrays of at most 64 u32 or u64");
	r = entry_keys(m, a, &keys, dg);
	for (size_t i = 0; r >= 0 && i < keys.n; i++) {
		memcpy(key, keys.key + i * m->h.key_size, m->h.key_size);
		r = entry_get(m, key, value, dg);
		if (r < 0)
			break;
		if (!whole || !h) {
			h = ARENA_PUSH(a, out->hist, out->n, out->cap);
			h->n = whole ? m->h.max_entries : (unsigned)p.n;
			h->key = whole ? NULL : keys.key + i * m->h.key_size;
		}
		for (uint32_t cpu = 0; cpu < (m->percpu ? m->cpus : 1); cpu++)
			for (size_t k = 0; k < p.n; k++)
				h->slot[whole ? i : k] += slot_at(value + cpu * m->stride + p.off +
								  k * p.each, p.each);
	}
	return r;
}

static uint64_t low(unsigned slot)
{
	return slot ? 1ull << slot : 0;
}

static uint64_t high(unsigned slot)
{
	return slot >= 63 ? UINT64_MAX : (2ull << slot) - 1;
}

void hist_text(FILE *out, const struct hist *h)
{
	enum { STARS = 40 };
	unsigned first = h->n, last = 0;
	uint64_t most = 0;
	int width;

	for (unsigned i = 0; i < h->n; i++) {
		if (!h->slot[i])
			continue;
		first = i < first ? i : first;
		last = i;
		most = h->slot[i] > most ? h->slot[i] : most;
	}
	if (!most) {
		fputs("(empty)\n", out);
		return;
	}
	width = snprintf(NULL, 0, "%" PRIu64, high(last));
	width = width < 6 ? 6 : width;
	fprintf(out, "%*s .. %-*s %12s\n", width, "from", width, "to", "count");
	for (unsigned i = first; i <= last; i++) {
		int stars = (int)((double)h->slot[i] / (double)most * STARS + 0.5);

		fprintf(out, "%*" PRIu64 " .. %-*" PRIu64 " %12" PRIu64 " |%-*.*s|\n", width,
			low(i), width, high(i), h->slot[i], STARS, stars,
			"****************************************");
	}
}

void hist_json(struct json *j, const char *key, const struct hist *h)
{
	json_open(j, key, '[');
	for (unsigned i = 0; i < h->n; i++) {
		if (!h->slot[i])
			continue;
		json_open(j, NULL, '{');
		json_u64(j, "low", low(i));
		json_u64(j, "high", high(i));
		json_u64(j, "count", h->slot[i]);
		json_close(j, '}');
	}
	json_close(j, ']');
}
