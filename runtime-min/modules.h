/* SPDX-License-Identifier: MIT
 *
 * modules.h - which file's code is at an address of this process, asked when a stack leads there.
 *
 * What the dynamic linker tells debuggers is read (struct r_debug and link_map, the same in all libcs),
 * and what the kernel told the program (auxiliary vector); both fault-safe, nothing is called.  What was
 * found is remembered; a module that is no longer what it was is forgotten. */
#ifndef BPFTIME_RUNTIME_MODULES_H
#define BPFTIME_RUNTIME_MODULES_H

#include "rt_base.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(hidden)

struct rt_module {
	uint64_t start, end;	/* of its segments in memory */
	uint64_t headers;	/* its ELF header */
	uint64_t bias;
	uint64_t eh_frame_hdr;	/* 0: none */
	uint64_t build_id;	/* its address; 0: none */
	uint64_t check_at, check[2];	/* what was there: another file at the same place has something else */
	uint64_t name;		/* address of its path as the dynamic linker keeps it; 0: the program itself */
	uint32_t build_id_bytes;
	uint32_t serial;	/* another one for each module that was ever found; never 0 */
};

/* The module at pc.  `sure`: serial of a module that the caller knows to be there still, which need
 * not be looked at again; 0: none.  false: there is none that is known. */
bool rt_module_at(uint64_t pc, uint32_t sure, struct rt_module *out);

/* The part of a file that a segment holds. */
struct rt_segment {
	uint64_t start, end;	/* in memory */
	uint64_t to_file;	/* what makes of an address there an offset in the file */
};

/* The segment of that module that pc is in.  false: none, or it cannot be read. */
bool rt_module_segment(const struct rt_module *m, uint64_t pc, struct rt_segment *out);

/* Was it loaded from a file?  The vDSO was not. */
bool rt_module_is_file(const struct rt_module *m);

/* Writes down which file it is (RT_MODULES_FILE).  false: not now. */
bool rt_module_note(const struct rt_module *m);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
