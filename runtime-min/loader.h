/* SPDX-License-Identifier: MIT
 *
 * loader.h - what the dynamic linker has loaded, as it tells debuggers (struct r_debug and link_map, the same in
 * all libcs).  Read fault-safe; nothing is called. */
#ifndef BPFTIME_RUNTIME_LOADER_H
#define BPFTIME_RUNTIME_LOADER_H

#include "rt_base.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(hidden)

enum { RT_LINKS = 1024 };	/* of a process that are looked at */

struct rt_link {		/* struct link_map */
	uint64_t bias, name, dynamic, next;
};

/* The address of the first struct rt_link of the program whose PT_DYNAMIC is at `dynamic`; 0: none. */
uint64_t rt_first_link(uint64_t dynamic);

/* What glibc (2.35 or later) says of threads; neither is ever unmapped. */
struct rt_libc {
	const uint32_t *version;	/* r_debug's: 1, as long as no other glibc is in a namespace of its own (dlmopen) */
	const uint8_t  *single;		/* __libc_single_threaded: 0 before it makes a second thread.  NULL: it is not there */
};
struct rt_libc rt_libc_find(void);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
