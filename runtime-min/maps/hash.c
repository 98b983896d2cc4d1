/* SPDX-License-Identifier: MIT
 *
 * hash.c - BPF_MAP_TYPE_HASH as programs see it. */
#include "hash_fast.h"

RT_HASH_KIND(hash)
