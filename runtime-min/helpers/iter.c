/* SPDX-License-Identifier: MIT
 *
 * Numbers from start up to end, one a turn (kernel/bpf/bpf_iter.c, bpf_iter_num_*). */
#include "rt_helpers.h"
#include "rt_errno.h"

struct iter_num {	/* 8 bytes of the program's stack */
	int32_t cur, end;
};

enum { MAX_TURNS = 8 << 20 };

RT_FAST uint64_t bpftime_h_iter_num_new(void *it, uint64_t start, uint64_t end)
{
	struct iter_num *i = it;
	int32_t from = (int32_t)start, to = (int32_t)end;
	int64_t n = (int64_t)to - from;

	*i = (struct iter_num){ 0, 0 };
	if (n < 0)
		return (uint64_t)-(int64_t)RT_EINVAL;
	if (n > MAX_TURNS)
		return (uint64_t)-(int64_t)RT_E2BIG;
	i->cur = (int32_t)((uint32_t)from - 1);
	i->end = to;
	return 0;
}

RT_FAST void *bpftime_h_iter_num_next(void *it)
{
	struct iter_num *i = it;
	int32_t next = (int32_t)((uint32_t)i->cur + 1);

	if (next >= i->end) {
		*i = (struct iter_num){ 0, 0 };
		return 0;
	}
	i->cur = next;
	return &i->cur;
}

RT_FAST void bpftime_h_iter_num_destroy(void *it)
{
	*(struct iter_num *)it = (struct iter_num){ 0, 0 };
}
