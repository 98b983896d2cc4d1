/* SPDX-License-Identifier: MIT
 *
 * lru_percpu_hash.c - BPF_MAP_TYPE_LRU_PERCPU_HASH as programs see it. */
#include "hash_fast.h"

RT_HASH_KIND(lru_percpu_hash)
