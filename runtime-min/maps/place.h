/* SPDX-License-Identifier: MIT
 *
 * place.h - where a payload's maps get their memory, and the code of a kind (kinds.h). */
#ifndef BPFTIME_RUNTIME_PLACE_H
#define BPFTIME_RUNTIME_PLACE_H

#include "cpu.h"
#include "kinds.h"

struct rt_wanted {		/* a map that has no memory yet */
	rt_map         m;
	rt_kind       *kind;
	const char    *name, *object;	/* for its file */
	const uint8_t *stamp;
	/* rt_map_attach(): */
	int64_t  folder;	/* that its file is in; < 0: none */
	uint32_t cpus;
	uint64_t bytes;		/* of the data */
	uint64_t solid;		/* bytes of the file that have space from the start; 0: all */
	int64_t  fd;		/* its file, < 0: none */
	bool     private;	/* its memory is not that of a file */
};

#pragma GCC visibility push(hidden)

/* Zeroed pages, a header and the data, become the map as it is at first. */
void rt_map_make(const struct rt_wanted *w, struct mapfmt_header *h, const char *name, bool shared);
/* The maps that are in a new map of maps from the start; shared: it has a file. */
void rt_inside_put(rt_map m, void *base, bool shared);

/* Maps the file, or without one memory that children share, as they share a kernel's map: somewhere,
 * and fills the slot; or over the room.  The address of the data, or 0. */
uint64_t rt_place_slot(struct rt_wanted *w);
uint64_t rt_place_room(struct rt_wanted *w);
uint64_t rt_place_outer(struct rt_wanted *w);	/* a slot, for a map of maps */
uint64_t rt_place_arena(struct rt_wanted *w);	/* a slot; opens its file, of which not all has space (arena_file.c) */
/* Steps of that. */
uint64_t rt_place_span(const struct rt_wanted *w);
char *rt_place_map(const struct rt_wanted *w);
void rt_place_remember(rt_map m, void *base);

#define MAP(id_, name_, key_, value_, place_)                                             \
	rt_kind bpftime_rt1_kind_##name_, bpftime_rt1_room_##name_;
#include "maps.def"

#pragma GCC visibility pop

#define RT_KIND_FUNCTION(symbol_, name_, cpus_, place_)                                   \
	uint64_t symbol_(enum rt_kind_op op, rt_map m, void *base, uint32_t cpus)          \
	{                                                                                  \
		RT_KIND_OPS(name_);                                                        \
		if (op == RT_KIND_CPUS)                                                    \
			return cpus_;                                                      \
		return op == RT_KIND_PLACE ? place_(base) : 0;                             \
	}
#define RT_KIND_SLOT(name_) RT_KIND_FUNCTION(bpftime_rt1_kind_##name_, name_, 1, rt_place_slot)
#define RT_KIND_OUTER(name_)                                                              \
	RT_KIND_FUNCTION(bpftime_rt1_kind_##name_, name_, 1, rt_place_outer)
/* It has no size for rt_map_attach(): its place opens the file, most of which has no space. */
#define RT_KIND_ARENA(name_)                                                              \
	uint64_t bpftime_rt1_kind_##name_(enum rt_kind_op op, rt_map m, void *base, uint32_t cpus) \
	{                                                                                  \
		if (op != RT_KIND_SIZE)                                                    \
			RT_KIND_OPS(name_);                                                \
		if (op == RT_KIND_CPUS)                                                    \
			return 1;                                                          \
		return op == RT_KIND_PLACE ? rt_place_arena(base) : 0;                     \
	}
#define RT_KIND_PERCPU(name_)                                                             \
	RT_KIND_FUNCTION(bpftime_rt1_kind_##name_, name_, rt_cpu_setup(), rt_place_slot)
#define RT_KIND_ROOM(name_)                                                               \
	RT_KIND_SLOT(name_)                                                                \
	RT_KIND_FUNCTION(bpftime_rt1_room_##name_, name_, 1, rt_place_room)

#endif
