/* SPDX-License-Identifier: MIT
 *
 * map_memory.c - where a payload's maps are mapped: its tables name the slots, these hold the
 * addresses. */
#include "part.h"

#include <string.h>

#include "mapfmt.h"

enum { LOOKS = 1 << 13 };	/* objects and maps that are believed: far above what payloads have */

/* A payload's first mapping, read in pieces: its size is what somebody else's memory says. */
struct rx {
	struct proc *p;
	uint64_t at, n;
};

static bool get(const struct rx *rx, uint64_t off, void *to, size_t n)
{
	return off <= rx->n && n <= rx->n - off && proc_read(rx->p, rx->at + off, to, n);
}

/* Offset in rx that the self-relative field at `off` means; false: none, or outside. */
static bool follow(const struct rx *rx, uint64_t off, uint64_t *to)
{
	int32_t rel;

	if (!get(rx, off, &rel, sizeof(rel)) || !rel)
		return false;
	*to = off + (uint64_t)(int64_t)rel;
	return *to < rx->n;
}

/* One mapping of a file, and what continues it: a ring's data once more. */
static struct live_range whole(const struct proc *p, uint64_t start)
{
	const struct proc_map *m = proc_map_at(p, start);
	struct live_range r = { start, start };

	if (!m || m->start != start || !m->ino || !m->shared)
		return r;
	for (const struct proc_map *k = m; k < p->map + p->n_map && k->start == r.to && k->ino == m->ino &&
					   k->dev == m->dev && (k == m || k->foff); k++)
		r.to = k->end;
	return r;
}

static void see_map(const struct rx *rx, uint64_t rw_bytes, uint64_t off, struct live_range **out, size_t *n,
		    size_t *cap)
{
	struct bpftime_map map;
	struct live_range r;
	uint64_t base;

	if (!get(rx, off, &map, sizeof(map)) || !map.slot_rel)
		return;
	off += offsetof(struct bpftime_map, slot_rel) + (uint64_t)(int64_t)map.slot_rel;
	if (off < rx->n || rw_bytes < sizeof(base) || off > rx->n + rw_bytes - sizeof(base) ||
	    !proc_read(rx->p, rx->at + off, &base, sizeof(base)) || base < MAPFMT_HEADER_BYTES)
		return;
	r = whole(rx->p, base - MAPFMT_HEADER_BYTES);
	for (size_t i = 0; i < *n; i++)
		if ((*out)[i].from == r.from)
			return;
	if (r.to > r.from)
		*ARENA_PUSH(rx->p->arena, *out, *n, *cap) = r;
}

struct live_range *live_map_memory(struct proc *p, const struct live_found *f, size_t *n)
{
	const struct rx rx = { p, f->head.self, f->head.rx_bytes };
	uint64_t at = f->head.payload_off, list, object, maps;
	struct live_range *out = NULL;
	struct bpftime_payload pl;
	size_t cap = 0;
	unsigned looks = 0;

	*n = 0;
	if (!get(&rx, at, &pl, sizeof(pl)) || pl.magic != OBJFMT_PAYLOAD_MAGIC ||
	    pl.version != OBJFMT_PAYLOAD_VERSION ||
	    !follow(&rx, at + offsetof(struct bpftime_payload, objects_rel), &list))
		return NULL;
	for (uint32_t i = 0; i < pl.n_objects && looks++ < LOOKS; i++) {
		struct objfmt_object o;

		if (!follow(&rx, list + 4ull * i, &object) || !get(&rx, object, &o, sizeof(o)) ||
		    !follow(&rx, object + offsetof(struct objfmt_object, maps_rel), &maps))
			continue;
		for (uint32_t k = 0; k < o.n_maps && looks++ < LOOKS; k++)
			see_map(&rx, f->head.rw_bytes, maps + k * sizeof(struct bpftime_map), &out, n, &cap);
	}
	return out;
}
