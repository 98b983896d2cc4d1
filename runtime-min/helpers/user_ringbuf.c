/* SPDX-License-Identifier: MIT
 *
 * user_ringbuf.c - bpf_user_ringbuf_drain, one sample at a time: the compiler calls the program's
 * function in between. */
#include "rt_helpers.h"

RT_FAST uint64_t bpftime_h_user_ringbuf_drain(const struct bpftime_map *m, void *base,
					      struct helper_drain *at)
{
	return bpftime_rt1_user_ring_drain((uint64_t)m, (uint64_t)base, (uint64_t)at);
}
