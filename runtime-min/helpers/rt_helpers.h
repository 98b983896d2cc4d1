/* SPDX-License-Identifier: MIT
 *
 * rt_helpers.h - what the helpers share.
 *
 * bpftime_h_<name>() has the parameters that abi/helpers.h derives from the row of
 * helpers.def: a map is two of them, everything else one. */
#ifndef BPFTIME_RUNTIME_HELPERS_H
#define BPFTIME_RUNTIME_HELPERS_H

#include "rt_base.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(hidden)
void *bpftime_h_map_lookup_elem(const struct bpftime_map *m, void *base, const void *key);
uint64_t bpftime_h_map_update_elem(const struct bpftime_map *m, void *base, const void *key,
				   const void *value, uint64_t flags);
uint64_t bpftime_h_map_delete_elem(const struct bpftime_map *m, void *base, const void *key);
#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
