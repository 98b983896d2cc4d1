/* SPDX-License-Identifier: MIT */
#include "place.h"

#include <string.h>

enum { PAGE = 4096, LOWEST = 1 << 20, STACK_GAP = 64 << 20 };
static const uint64_t REACH = 0x7fe00000;	/* of a rel32, less some room */
static const uint64_t HIGHEST = 0x7ffffffff000;	/* of what a process can map (x86-64) */

static bool is_stack(const struct proc_map *m)
{
	return !strncmp(m->path, "[stack", 6);
}

/* What of the gap in front of map[i] (i == n: behind all) may be used. */
static bool gap(const struct proc_map *map, size_t n, size_t i, uint64_t *from, uint64_t *to)
{
	*from = i ? map[i - 1].end + PAGE : LOWEST;
	*to = i < n && map[i].start < HIGHEST ? map[i].start : HIGHEST;
	if (i < n && is_stack(&map[i]))	/* it grows down */
		*to = *to > STACK_GAP ? *to - STACK_GAP : 0;
	*to -= *to > PAGE ? PAGE : *to;
	return *from < *to;
}

uint64_t place_find(const struct proc_map *map, size_t n, uint64_t lo, uint64_t hi, uint64_t bytes)
{
	uint64_t above = 0;

	if (hi - lo > REACH || bytes > REACH - (hi - lo))
		return 0;
	for (size_t i = n + 1; i-- > 0;) {
		uint64_t from, to, least = hi > REACH ? hi - REACH : 0;

		if (!gap(map, n, i, &from, &to))
			continue;
		if (to <= lo) {		/* below: the nearest */
			from = from > least ? from : least;
			if (to > from && to - from >= bytes)
				return (to - bytes) & ~(uint64_t)(PAGE - 1);
		} else if (from >= hi && !above) {	/* above: the farthest, away from a heap */
			to = to < lo + REACH ? to : lo + REACH;
			if (to > from && to - from >= bytes)
				above = (to - bytes) & ~(uint64_t)(PAGE - 1);
		}
	}
	return above;
}
