/* SPDX-License-Identifier: MIT
 *
 * dynptr.c - bpf_dynptr_*(), and bpf_ringbuf_*_dynptr() (kernel/bpf/helpers.c, ringbuf.c).
 *
 * What the kernel declares with 32 bits is cut to 32 bits: sizes, offsets, and the results of
 * kernel functions. */
#include "dynptr.h"
#include "mem.h"
#include "ring.h"
#include "rt_helpers.h"

RT_FAST uint64_t bpftime_h_dynptr_from_mem(void *data, uint64_t size, uint64_t flags, void *to)
{
	rt_dynptr_clear(to);
	if ((uint32_t)size > RT_DYNPTR_MAX)
		return (uint64_t)-RT_E2BIG;
	if (flags)
		return (uint64_t)-RT_EINVAL;
	rt_dynptr_set(to, data, RT_DYNPTR_LOCAL, (uint32_t)size);
	return 0;
}

RT_FAST uint64_t bpftime_h_ringbuf_reserve_dynptr(rt_map m, void *base, uint64_t size,
						  uint64_t flags, void *to)
{
	void *sample;

	rt_dynptr_clear(to);
	if (flags)
		return (uint64_t)-RT_EINVAL;
	if ((uint32_t)size > RT_DYNPTR_MAX)
		return (uint64_t)-RT_E2BIG;
	sample = rt_ring_reserve_fast(m, base, (uint32_t)size);
	if (!sample)
		return (uint64_t)-RT_EINVAL;
	rt_dynptr_set(to, sample, RT_DYNPTR_RECORD, (uint32_t)size);
	return 0;
}

RT_INLINE void commit(struct rt_dynptr *d, uint64_t flags, uint32_t discard)
{
	if (rt_likely(d->data))
		rt_ring_commit(d->data, flags, discard);
	rt_dynptr_clear(d);
}

RT_FAST void bpftime_h_ringbuf_submit_dynptr(void *d, uint64_t flags)
{
	commit(d, flags, 0);
}

RT_FAST void bpftime_h_ringbuf_discard_dynptr(void *d, uint64_t flags)
{
	commit(d, flags, RT_RING_DISCARD);
}

RT_FAST uint64_t bpftime_h_dynptr_read(void *to, uint64_t bytes, const void *d, uint64_t off,
				       uint64_t flags)
{
	const struct rt_dynptr *from = d;

	if (!from->data || flags)
		return (uint64_t)-RT_EINVAL;
	if (!rt_dynptr_has(from, (uint32_t)off, (uint32_t)bytes))
		return (uint64_t)-RT_E2BIG;
	rt_move(to, rt_dynptr_at(from, (uint32_t)off), (uint32_t)bytes);
	return 0;
}

RT_FAST uint64_t bpftime_h_dynptr_write(const void *d, uint64_t off, const void *from,
					uint64_t bytes, uint64_t flags)
{
	const struct rt_dynptr *to = d;

	if (!to->data || to->size & RT_DYNPTR_RDONLY)
		return (uint64_t)-RT_EINVAL;
	if (!rt_dynptr_has(to, (uint32_t)off, (uint32_t)bytes))
		return (uint64_t)-RT_E2BIG;
	if (flags)
		return (uint64_t)-RT_EINVAL;
	rt_move(rt_dynptr_at(to, (uint32_t)off), from, (uint32_t)bytes);
	return 0;
}

RT_INLINE void *slice(const struct rt_dynptr *d, uint32_t off, uint32_t bytes)
{
	return d->data && rt_dynptr_has(d, off, bytes) ? rt_dynptr_at(d, off) : NULL;
}

RT_INLINE void *slice_rdwr(const struct rt_dynptr *d, uint32_t off, uint32_t bytes)
{
	return d->size & RT_DYNPTR_RDONLY ? NULL : slice(d, off, bytes);
}

RT_FAST void *bpftime_h_dynptr_data(const void *d, uint64_t off, uint64_t bytes)
{
	return slice_rdwr(d, (uint32_t)off, (uint32_t)bytes);
}

/* The buffer is for memory that is in pieces, which there is none of here. */
RT_FAST void *bpftime_h_dynptr_slice(const void *d, uint64_t off, void *buffer, uint64_t bytes)
{
	(void)buffer;
	return slice(d, (uint32_t)off, (uint32_t)bytes);
}

RT_FAST void *bpftime_h_dynptr_slice_rdwr(const void *d, uint64_t off, void *buffer,
					  uint64_t bytes)
{
	(void)buffer;
	return slice_rdwr(d, (uint32_t)off, (uint32_t)bytes);
}

RT_FAST uint64_t bpftime_h_dynptr_adjust(void *dynptr, uint64_t from, uint64_t to)
{
	uint32_t start = (uint32_t)from, end = (uint32_t)to;
	struct rt_dynptr *d = dynptr;

	if (!d->data || start > end)
		return rt_int_result(-RT_EINVAL);
	if (end > rt_dynptr_size(d))
		return rt_int_result(-RT_ERANGE);
	d->offset += start;
	d->size = (d->size & ~(uint32_t)RT_DYNPTR_MAX) | (end - start);
	return 0;
}

RT_FAST uint64_t bpftime_h_dynptr_is_null(const void *d)
{
	return !((const struct rt_dynptr *)d)->data;
}

RT_FAST uint64_t bpftime_h_dynptr_is_rdonly(const void *dynptr)
{
	const struct rt_dynptr *d = dynptr;

	return d->data && d->size & RT_DYNPTR_RDONLY;
}

RT_FAST uint64_t bpftime_h_dynptr_size(const void *dynptr)
{
	const struct rt_dynptr *d = dynptr;

	return d->data ? rt_dynptr_size(d) : rt_int_result(-RT_EINVAL);
}

RT_FAST uint64_t bpftime_h_dynptr_clone(const void *dynptr, void *clone)
{
	const struct rt_dynptr d = *(const struct rt_dynptr *)dynptr;

	rt_dynptr_clear(clone);
	if (!d.data)
		return rt_int_result(-RT_EINVAL);
	*(struct rt_dynptr *)clone = d;
	return 0;
}

/* To or from a dynptr to nothing the kernel takes the detour through bpf_dynptr_write() or
 * _read(), which fails even for no bytes; between two of them no bytes can be copied. */
RT_FAST uint64_t bpftime_h_dynptr_copy(void *to_dynptr, uint64_t to_off, void *from_dynptr,
				       uint64_t from_off, uint64_t size)
{
	uint32_t bytes = (uint32_t)size;
	void *from = slice(from_dynptr, (uint32_t)from_off, bytes);
	void *to = slice_rdwr(to_dynptr, (uint32_t)to_off, bytes);

	if (rt_likely(from && to)) {
		rt_move(to, from, bytes);
		return 0;
	}
	if (from)
		return rt_int_result((int32_t)bpftime_h_dynptr_write(to_dynptr, to_off, from, bytes, 0));
	if (to)
		return rt_int_result((int32_t)bpftime_h_dynptr_read(to, bytes, from_dynptr, from_off, 0));
	if (!rt_dynptr_has(to_dynptr, (uint32_t)to_off, bytes) ||
	    !rt_dynptr_has(from_dynptr, (uint32_t)from_off, bytes))
		return rt_int_result(-RT_E2BIG);
	return 0;
}

RT_FAST uint64_t bpftime_h_dynptr_memset(void *dynptr, uint64_t off, uint64_t size, uint64_t value)
{
	struct rt_dynptr *d = dynptr;
	void *to = slice_rdwr(d, (uint32_t)off, (uint32_t)size);

	if (d->size & RT_DYNPTR_RDONLY)
		return rt_int_result(-RT_EINVAL);
	if (!rt_dynptr_has(d, (uint32_t)off, (uint32_t)size))
		return rt_int_result(-RT_E2BIG);
	if (to)
		rt_fill(to, (uint8_t)value, (uint32_t)size);
	return 0;
}

/* Where to read to, as kernel/trace/bpf_trace.c, __bpf_dynptr_copy(); NULL: *result says why, and
 * nothing goes into a dynptr to nothing. */
RT_INLINE uint64_t room_in(const struct rt_dynptr *d, uint64_t off, uint64_t size, uint64_t *result)
{
	*result = rt_dynptr_has(d, (uint32_t)off, (uint32_t)size) ? 0 : rt_int_result(-RT_E2BIG);
	return (uint64_t)slice_rdwr(d, (uint32_t)off, (uint32_t)size);
}

/* name_(d, off, size, from): as read_(to, size, from). */
#define READ_INTO(name_, read_)                                                               \
	RT_FAST uint64_t bpftime_h_##name_##_dynptr(void *d, uint64_t off, uint64_t size,     \
						    uint64_t from)                            \
	{                                                                                     \
		uint64_t result, to = room_in(d, off, size, &result);                         \
											      \
		return rt_likely(to) ? rt_int_result((int32_t)read_(to, (uint32_t)size, from)) \
				     : result;                                                \
	}
#define copy_user_str(to_, size_, from_) bpftime_rt1_copy_user_str((to_), (size_), (from_), 0)

READ_INTO(probe_read_user, bpftime_rt1_read_user)
READ_INTO(probe_read_kernel, bpftime_rt1_read_user)
READ_INTO(probe_read_user_str, bpftime_rt1_read_user_str)
READ_INTO(probe_read_kernel_str, bpftime_rt1_read_user_str)
READ_INTO(copy_from_user, bpftime_rt1_copy_user)
READ_INTO(copy_from_user_str, copy_user_str)
