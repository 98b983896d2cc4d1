/* SPDX-License-Identifier: MIT
 *
 * dynptr.h - dynptrs, as vmlinux.h and newer headers of libbpf declare them. */
#ifndef DYNPTR_H
#define DYNPTR_H

#include "case.h"

struct bpf_dynptr {
	__u64 opaque[2];
} __attribute__((aligned(8)));

extern int bpf_copy_from_user_dynptr(struct bpf_dynptr *p, __u32 off, __u32 size,
				     const void *from) __weak __ksym;
extern int bpf_copy_from_user_str_dynptr(struct bpf_dynptr *p, __u32 off, __u32 size,
					 const void *from) __weak __ksym;
extern int bpf_dynptr_adjust(const struct bpf_dynptr *p, __u32 start, __u32 end) __weak __ksym;
extern int bpf_dynptr_clone(const struct bpf_dynptr *p, struct bpf_dynptr *clone) __weak __ksym;
extern int bpf_dynptr_copy(struct bpf_dynptr *to, __u32 to_off, struct bpf_dynptr *from,
			   __u32 from_off, __u32 size) __weak __ksym;
extern bool bpf_dynptr_is_null(const struct bpf_dynptr *p) __weak __ksym;
extern bool bpf_dynptr_is_rdonly(const struct bpf_dynptr *p) __weak __ksym;
extern int bpf_dynptr_memset(struct bpf_dynptr *p, __u32 off, __u32 size, __u8 v) __weak __ksym;
extern __u32 bpf_dynptr_size(const struct bpf_dynptr *p) __weak __ksym;
extern void *bpf_dynptr_slice(const struct bpf_dynptr *p, __u32 off, void *buffer,
			      __u32 size) __weak __ksym;
extern void *bpf_dynptr_slice_rdwr(const struct bpf_dynptr *p, __u32 off, void *buffer,
				   __u32 size) __weak __ksym;

MAP(BPF_MAP_TYPE_ARRAY, bytes, __u32, __u8[64], 1);
RINGBUF(events);

/* Memory that a dynptr can be made of, or NULL. */
static __always_inline void *memory(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&bytes, &zero);
}

#endif
