/* SPDX-License-Identifier: MIT
 *
 * shape.h - the size, the header and the first contents of a map, for who knows its kind.
 * A payload gets the kind from the map's row; rt_maps.h has the same for any kind. */
#ifndef BPFTIME_RUNTIME_SHAPE_H
#define BPFTIME_RUNTIME_SHAPE_H

#include "kinds.h"

#pragma GCC visibility push(hidden)

/* Has a value of a map of this type a part for each CPU? */
bool rt_shape_per_cpu(uint32_t type);
/* As rt_map_check(). */
int rt_shape_check(rt_kind *kind, rt_map m);
/* As rt_map_size(): bytes of the data, 0 when there can be no such map. */
uint64_t rt_shape_bytes(rt_kind *kind, rt_map m, uint32_t cpus);
/* Bytes at the data's end that are mapped once more behind it. */
uint64_t rt_shape_again(rt_map m);
/* As rt_map_header() and rt_map_header_matches(); bytes: of the data. */
void rt_shape_header(struct mapfmt_header *h, rt_map m, uint64_t bytes, uint32_t cpus,
		     const char *name, const char *object, const uint8_t stamp[8]);
bool rt_shape_matches(const struct mapfmt_header *h, rt_map m, uint64_t bytes, uint32_t cpus);

#pragma GCC visibility pop

#endif
