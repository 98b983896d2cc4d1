/* SPDX-License-Identifier: MIT
 *
 * dynptr.h - a dynptr: memory whose size is known when the program runs, in 16 bytes of the
 * program's stack that the verifier keeps from everybody else.  Layout and results are the
 * kernel's (struct bpf_dynptr_kern; kernel/bpf/helpers.c). */
#ifndef BPFTIME_RUNTIME_DYNPTR_H
#define BPFTIME_RUNTIME_DYNPTR_H

#include "rt_base.h"

struct rt_dynptr {
	void    *data;		/* NULL: a dynptr to nothing */
	uint32_t size;		/* RDONLY | kind << KIND_SHIFT | bytes */
	uint32_t offset;	/* the bytes begin at data + offset */
};

enum { RT_DYNPTR_MAX = (1 << 24) - 1, RT_DYNPTR_KIND_SHIFT = 28, RT_DYNPTR_LOCAL = 1, RT_DYNPTR_RECORD = 2 };
#define RT_DYNPTR_RDONLY 0x80000000u

RT_INLINE uint32_t rt_dynptr_size(const struct rt_dynptr *d)
{
	return d->size & RT_DYNPTR_MAX;
}

RT_INLINE void rt_dynptr_set(struct rt_dynptr *d, void *data, uint32_t kind, uint32_t bytes)
{
	*d = (struct rt_dynptr){ data, kind << RT_DYNPTR_KIND_SHIFT | bytes, 0 };
}

RT_INLINE void rt_dynptr_clear(struct rt_dynptr *d)
{
	*d = (struct rt_dynptr){ NULL, 0, 0 };
}

/* Are `bytes` bytes at `off` within the dynptr? */
RT_INLINE bool rt_dynptr_has(const struct rt_dynptr *d, uint32_t off, uint32_t bytes)
{
	return bytes <= rt_dynptr_size(d) && off <= rt_dynptr_size(d) - bytes;
}

RT_INLINE void *rt_dynptr_at(const struct rt_dynptr *d, uint32_t off)
{
	return (char *)d->data + d->offset + off;
}

#endif
