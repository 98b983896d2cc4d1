/* SPDX-License-Identifier: MIT
 *
 * rt.h - what a running payload, the trampolines and bpftime-ctl agree on. */
#ifndef BPFTIME_ABI_RT_H
#define BPFTIME_ABI_RT_H

#include <stdint.h>

#include "objfmt.h"

/* The control area: RW pages of the payload, all zero in the file.  Nothing writes to
 * them before init maps the shared control file over them (or, without a file, sets
 * them up in place), so nothing a program has used is mapped over.
 *
 * A trampoline tests word[i] of its attach point.  0 means not initialised or
 * disabled: it branches to the cold path, bpftime_rt1_cold(i).  Anything else: run.
 * bpftime-ctl enables and disables by storing to the shared file. */
#define RT_CONTROL_MAGIC 0x316c7463667062ull	/* "bpfctl1" */

struct rt_control {
	uint64_t magic;
	uint16_t version, size;
	uint32_t n_attach;
	uint32_t attach_off;	/* struct rt_control_attach[n_attach], from the area's start; in the file only */
	uint32_t bits;
	uint8_t  payload_id[32];
	uint64_t misses;	/* return hooks skipped: no slot */
	uint64_t busy;		/* operations that ended with -EBUSY */
	uint64_t private_maps;	/* maps that had no file, each process counted */
	uint64_t reserved[6];
	char     target[256];	/* path of the binary the payload was made for */
	/* from RT_CONTROL_WORDS_OFF: uint32_t word[n_attach] */
};
enum { RT_CONTROL_VERSION = 1, RT_CONTROL_WORDS_OFF = 512 };

/* Behind the words in the control file, for bpftime-ctl hooks. */
struct rt_control_attach {
	uint32_t kind;		/* enum hook_kind */
	uint32_t reserved;
	uint64_t vaddr;		/* of the site, in the binary */
	uint64_t cookie;
	char     prog[64], object[64], symbol[128];
};

#endif
