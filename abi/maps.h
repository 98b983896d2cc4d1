/* SPDX-License-Identifier: MIT
 *
 * maps.h - kinds of map and their flags, as the kernel numbers them. */
#ifndef BPFTIME_ABI_MAPS_H
#define BPFTIME_ABI_MAPS_H

#include <stdint.h>

enum map_type {
#define MAP(id_, name_, key_, value_, place_) MAP_TYPE_##name_ = (id_),
#define MAP_NO(id_, name_, reason_) MAP_TYPE_##name_ = (id_),
#include "maps.def"
	MAP_TYPE_END
};

enum map_place { MAP_PLACE_ROOM, MAP_PLACE_SLOT, MAP_PLACE_PERCPU, MAP_PLACE_OUTER, MAP_PLACE_ARENA };

struct map_row {
	const char *name;
	const char *refused;	/* reason, or NULL when it is supported */
	uint8_t     key_size, value_size;	/* required, 0 = any */
	uint8_t     place;	/* enum map_place */
};
#ifdef __cplusplus
extern "C"
#endif
/* The row of a kind; NULL when no such kind exists. Static storage. */
const struct map_row *map_row(uint32_t type);

static inline int map_holds_maps(uint32_t type)
{
	return type == MAP_TYPE_array_of_maps || type == MAP_TYPE_hash_of_maps;
}

enum map_update_flags { MAP_ANY = 0, MAP_NOEXIST = 1, MAP_EXIST = 2, MAP_LOCK = 4 };

enum map_create_flags {
	MAP_F_NO_PREALLOC = 1 << 0, MAP_F_NO_COMMON_LRU = 1 << 1, MAP_F_NUMA_NODE = 1 << 2,
	MAP_F_RDONLY = 1 << 3, MAP_F_WRONLY = 1 << 4, MAP_F_STACK_BUILD_ID = 1 << 5, MAP_F_ZERO_SEED = 1 << 6,
	MAP_F_RDONLY_PROG = 1 << 7, MAP_F_WRONLY_PROG = 1 << 8, MAP_F_MMAPABLE = 1 << 10,
	MAP_F_INNER_MAP = 1 << 12, MAP_F_SEGV_ON_FAULT = 1 << 17, MAP_F_NO_USER_CONV = 1 << 18,
};

enum ringbuf_flags {
	RB_NO_WAKEUP = 1, RB_FORCE_WAKEUP = 2,
	RB_AVAIL_DATA = 0, RB_RING_SIZE = 1, RB_CONS_POS = 2, RB_PROD_POS = 3,
};

#endif
