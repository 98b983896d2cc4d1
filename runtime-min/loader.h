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

/* Where the program keeps `__libc_single_threaded`, which glibc (2.32) clears before it makes a second thread;
 * NULL: nowhere. */
const uint8_t *rt_libc_single(void);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
