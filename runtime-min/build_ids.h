/* SPDX-License-Identifier: MIT
 *
 * build_ids.h - stacks that say in which file each address is, and where in it
 * (BPF_F_STACK_BUILD_ID, BPF_F_USER_BUILD_ID).
 * Source: kernel/bpf/stackmap.c, stack_map_get_build_id_offset(). */
#ifndef BPFTIME_RUNTIME_BUILD_IDS_H
#define BPFTIME_RUNTIME_BUILD_IDS_H

#include "mapfmt.h"
#include "modules.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(hidden)

enum { RT_BUILD_IDS = 12, RT_BUILD_IDS_STACK = 127 };

/* What the addresses of one stack have in common.  Of more files than this has room for the
 * addresses stay addresses. */
struct rt_build_ids {
	struct {
		struct rt_segment s;
		uint8_t id[20];
	} in[RT_BUILD_IDS];
	uint32_t n;
	uint8_t  of[RT_BUILD_IDS_STACK];	/* index in in[] + 1; 0: none that is known */
};

void rt_build_ids_find(struct rt_build_ids *b, const uint64_t *ip, uint32_t n);
/* Element i of the stack that b was made of; ip: its address. */
void rt_build_ids_get(const struct rt_build_ids *b, uint32_t i, uint64_t ip,
		      struct mapfmt_build_id *out);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
