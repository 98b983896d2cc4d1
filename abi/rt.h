/* SPDX-License-Identifier: MIT
 *
 * rt.h - what a running payload, the trampolines and bpftime-ctl agree on. */
#ifndef BPFTIME_ABI_RT_H
#define BPFTIME_ABI_RT_H

#include <stdint.h>

#include "objfmt.h"

enum { RT_ABI_VERSION = 1 };	/* the 1 of bpftime_rt1_ (rt.def) */

/* The control area: RW pages of the payload, all zero in the file.  Nothing writes to
 * them before init maps the shared control file over them (or, without a file, sets
 * them up in place), so nothing a program has used is mapped over.
 *
 * A trampoline tests word[i] of its attach point.  0 means not initialised or
 * disabled: it branches to the cold path, bpftime_rt1_cold(i).  Anything else: run.
 * Init and bpftime-ctl store RT_ENABLED: a place with several programs compares two words
 * at once with that, and each with 0 when they differ.
 * bpftime-ctl enables and disables by storing to the shared file. */
#define RT_ENABLED UINT32_MAX

#define RT_CONTROL_MAGIC 0x316c7463667062ull	/* "bpfctl1" */

struct rt_control {
	uint64_t magic;
	uint16_t version, size;
	uint32_t n_attach;
	uint32_t attach_off;	/* struct rt_control_attach[n_attach], from the area's start; in the file only */
	uint32_t bits;
	uint8_t  payload_id[32];
	uint64_t misses;	/* hooks skipped: no return slot, no stack */
	uint64_t busy;		/* operations that ended with -EBUSY */
	uint64_t private_maps;	/* maps that had no file, each process counted */
	uint64_t unmapped;	/* lookups of maps inside maps that the process could not map */
	uint64_t reserved[5];
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

/* bpf_trace_printk: records in the ring buffer map $BPFTIME_DIR/.trace. */
#define RT_TRACE_FILE ".trace"
enum { RT_TRACE_BYTES = 1 << 18 };
struct rt_trace_record {
	uint64_t ts;		/* CLOCK_MONOTONIC, ns */
	uint32_t pid, tid, cpu;
	uint32_t bytes;		/* of text */
	char     comm[16];
	char     text[];
};

/* int32_t bpftime_rt1_state is this when the payload is initialised: from then on an enable
 * word that is 0 means disabled.  Trampolines read it. */
enum { RT_INIT_DONE = -1 };

/* Which files the addresses in stacks are of: the LRU hash map $BPFTIME_DIR/.modules.  A process enters a
 * file the first time that a stack leads there, so that the stack can be read when the process is gone. */
#define RT_MODULES_FILE ".modules"
enum { RT_MODULES_ENTRIES = 2048 };
struct rt_module_key {
	uint64_t start;		/* in memory */
	uint8_t  id[8];		/* start of the build id; of a file without one, a hash of its path */
};
struct rt_module_record {
	uint64_t end;
	uint64_t bias;		/* address in memory - address in the file */
	uint32_t pid;		/* of the process that entered it; others may have it at the same place */
	uint32_t build_id_bytes;
	uint8_t  build_id[20];
	char     path[148];	/* "": too long */
};

/* Return hooks: bpftime_rt1_slots, RT_SLOTS of these.  A frame's slot is one of the RT_SLOT_REACH from
 * its home on.  Where the return address is (sp) tells the home; what it is tells how far from there: it
 * leads into one of RT_SLOT_REACH stubs.  docs/design.md has the protocol. */
enum {
	RT_SLOT_HOMES_LOG2 = 11, RT_SLOT_HOMES = 1 << RT_SLOT_HOMES_LOG2, RT_SLOT_REACH = 32,
	RT_SLOTS = RT_SLOT_HOMES + RT_SLOT_REACH, RT_SLOT_BYTES = 32,
	RT_STUB_BYTES = 16,
	RT_STUB_POINT = 4,	/* offset of the return point in a stub */
};
/* Of 300 odd numbers that with which recursion in frames of any one size from 16 to 4096 bytes goes deepest
 * before a frame finds no slot: 1,801 calls. */
#define RT_SLOT_HASH 0xd9cd0b99u

/* The home of the frame whose return address is at sp: even, so that the next one is mostly free. */
static inline uint32_t rt_slot_home(uint64_t sp)
{
	return (uint32_t)sp * RT_SLOT_HASH >> (33 - RT_SLOT_HOMES_LOG2) << 1;
}

/* Which slot the return address ra, found at sp, stands for; RT_SLOTS: none, it is an ordinary one. */
static inline uint32_t rt_slot_of(uint64_t ra, uint64_t sp, uint64_t stubs)
{
	uint64_t off = ra - stubs;

	if (off >= RT_SLOT_REACH * RT_STUB_BYTES || off % RT_STUB_BYTES != RT_STUB_POINT)
		return RT_SLOTS;
	return rt_slot_home(sp) + (uint32_t)off / RT_STUB_BYTES;
}

struct rt_slot {
	uint64_t resume;	/* where the stub goes at the return */
	uint64_t ra;		/* the return address that was at sp */
	uint64_t state;		/* sp | enum rt_slot_state | link << RT_SLOT_LINK_SHIFT */
	uint64_t point;		/* the return point that is there instead */
};
enum rt_slot_state {		/* the low three bits; bit 0: not free */
	RT_SLOT_FREE = 0,
	RT_SLOT_CLAIMED = 1,	/* in a trampoline, on the way in or out */
	RT_SLOT_ARMED = 3,	/* [sp] holds the stub's return point, or the frame is gone */
	RT_SLOT_EXAMINED = 5,	/* armed, and being looked at */
	RT_SLOT_CHAINED = 7,	/* armed, and a tail call armed another slot at the same sp */
	RT_SLOT_MASK = 7,
	RT_SLOT_LINK_SHIFT = 61,	/* how many slots were armed at this sp before; */
	RT_SLOT_LINKS = 7,	/* at most so many minus one */
};

/* Stacks for programs that are hooked into goroutines: bpftime_rt1_stacks, RT_STACKS of these.
 * A trampoline claims one by a locked bit set and gives it back by a store. */
enum {
	RT_STACKS_LOG2 = 6, RT_STACKS = 1 << RT_STACKS_LOG2,
	RT_STACK_LOG2 = 14, RT_STACK_BYTES = 1 << RT_STACK_LOG2,
	RT_STACK_TOP = RT_STACK_BYTES - 16, RT_STACK_CLAIMED = RT_STACK_TOP + 8,
};
struct rt_stack {
	uint8_t  room[RT_STACK_TOP];
	uint64_t sp;		/* of the goroutine */
	uint32_t claimed, reserved;
};

#endif
