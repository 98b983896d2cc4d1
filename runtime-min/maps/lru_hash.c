/* SPDX-License-Identifier: MIT
 *
 * lru_hash.c - BPF_MAP_TYPE_LRU_HASH as programs see it. */
#include "hash_fast.h"

RT_HASH_KIND(lru_hash)
