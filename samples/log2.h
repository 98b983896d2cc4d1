/* SPDX-License-Identifier: MIT
 *
 * log2.h - a histogram with power-of-two slots, as `bpftime-ctl hist` draws it:
 * slot i counts the values v with 2^i <= v < 2^(i+1); slot 0 counts 0 as well. */
#ifndef SAMPLES_LOG2_H
#define SAMPLES_LOG2_H

enum { HIST_SLOTS = 64 };

static __always_inline __u32 log2_slot(__u64 v)
{
	__u32 slot = 0;

	/* Six halvings, no loop: the same few instructions for every value. */
	if (v >> 32) { slot += 32; v >>= 32; }
	if (v >> 16) { slot += 16; v >>= 16; }
	if (v >> 8)  { slot += 8;  v >>= 8; }
	if (v >> 4)  { slot += 4;  v >>= 4; }
	if (v >> 2)  { slot += 2;  v >>= 2; }
	return slot + (__u32)(v >> 1);
}

/* `hist` is an array map of HIST_SLOTS counters of 8 bytes. */
static __always_inline void log2_count(void *hist, __u64 v)
{
	__u32 slot = log2_slot(v);
	__u64 *n = bpf_map_lookup_elem(hist, &slot);

	if (n)
		__sync_fetch_and_add(n, 1);
}

#endif
