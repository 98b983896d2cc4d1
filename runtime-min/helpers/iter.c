/* SPDX-License-Identifier: MIT
 *
 * iter.c - numbers from start up to end, one a turn (kernel/bpf/bpf_iter.c, bpf_iter_num_*), and
 * which bits of some words are set (kernel/bpf/helpers.c, bpf_iter_bits_*). */
#include "rt_helpers.h"
#include "rt_errno.h"

enum { WORD_BITS = 64, MAX_WORDS = 511 };

/* 16 bytes of the program's stack.  One word is copied into it, more into a page. */
struct iter_bits {
	union {
		uint64_t        one;
		const uint64_t *many;
	};
	int32_t n, bit;		/* bits in all, 0: none; the last one found */
};

RT_FAST uint64_t bpftime_h_iter_bits_new(void *it, uint64_t from, uint64_t words)
{
	struct iter_bits *i = it;
	uint32_t n = (uint32_t)words;

	*i = (struct iter_bits){ .one = 0, .n = 0, .bit = -1 };
	if (!from || !n)
		return rt_int_result(-RT_EINVAL);
	if (n > MAX_WORDS)
		return rt_int_result(-RT_E2BIG);
	if (n == 1) {
		if (bpftime_rt1_read_user((uint64_t)&i->one, sizeof(i->one), from))
			return rt_int_result(-RT_EFAULT);
	} else {
		int64_t page = (int64_t)bpftime_rt1_bits_copy(from, n);

		if (page < 0)
			return rt_int_result((int32_t)page);
		i->many = (const uint64_t *)page;
	}
	i->n = (int32_t)n * WORD_BITS;
	return 0;
}

RT_FAST void *bpftime_h_iter_bits_next(void *it)
{
	struct iter_bits *i = it;
	int32_t next = (int32_t)((uint32_t)i->bit + 1);
	const uint64_t *words;

	if (i->bit >= i->n)	/* the end was found before, or there was nothing */
		return 0;
	words = i->n == WORD_BITS ? &i->one : i->many;
	while (next < i->n) {
		uint64_t left = words[next / WORD_BITS] >> next % WORD_BITS;

		if (left) {
			i->bit = next + __builtin_ctzll(left);
			return &i->bit;
		}
		next = (int32_t)(((uint32_t)next / WORD_BITS + 1) * WORD_BITS);
	}
	i->bit = i->n;
	return 0;
}

RT_FAST void bpftime_h_iter_bits_destroy(void *it)
{
	struct iter_bits *i = it;

	if (i->n > WORD_BITS)
		bpftime_rt1_bits_end((uint64_t)i->many);
}

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
		return rt_int_result(-RT_EINVAL);
	if (n > MAX_TURNS)
		return rt_int_result(-RT_E2BIG);
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
