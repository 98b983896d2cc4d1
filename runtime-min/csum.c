/* SPDX-License-Identifier: MIT
 *
 * csum.c - bpf_csum_diff.  Source: net/core/filter.c; sums as RFC 1071 has them. */
#include "mem.h"

static uint32_t fold64(uint64_t s)
{
	s = (s & UINT32_MAX) + (s >> 32);
	s = (s & UINT32_MAX) + (s >> 32);
	return (uint32_t)s;
}

static uint32_t sum(const void *p, uint32_t bytes, uint32_t start)
{
	uint64_t s = start;

	uint32_t i = 0;

	for (; i + 4 <= bytes; i += 4)
		s += RT_LOAD_AT(uint32_t, p, i);
	for (; i < bytes; i++)
		s += (uint64_t)((const uint8_t *)p)[i] << i % 4 * 8;
	return fold64(s);
}

static uint32_t fold16(uint32_t s)
{
	s = (s & 0xffff) + (s >> 16);
	return (s & 0xffff) + (s >> 16);
}

uint64_t rt_csum_diff(uint64_t from, uint64_t from_bytes, uint64_t to, uint64_t to_bytes,
		      uint64_t seed)
{
	uint32_t n_from = (uint32_t)from_bytes, n_to = (uint32_t)to_bytes, r = (uint32_t)seed;

	if (n_from && n_to)
		r = fold64((uint64_t)sum((const void *)to, n_to, r) +
			   (uint32_t)~sum((const void *)from, n_from, 0));
	else if (n_to)
		r = sum((const void *)to, n_to, r);
	else if (n_from)
		r = ~sum((const void *)from, n_from, ~r);
	return fold16(r);
}
