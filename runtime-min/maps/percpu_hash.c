/* SPDX-License-Identifier: MIT
 *
 * percpu_hash.c - BPF_MAP_TYPE_PERCPU_HASH as programs see it. */
#include "hash_fast.h"

RT_HASH_KIND(percpu_hash)
