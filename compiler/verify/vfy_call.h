/* SPDX-License-Identifier: MIT
 *
 * vfy_call.h - a helper call while it is checked: helper.c, helper_args.c. */
#ifndef BPFTIME_VERIFY_CALL_H
#define BPFTIME_VERIFY_CALL_H

#include "vfy.h"

/* Kinds of map that verifying knows, whether or not the runtime has them. */
enum {
	MT_HASH = 1, MT_ARRAY = 2, MT_PROG_ARRAY = 3, MT_PERF_EVENT_ARRAY = 4, MT_PERCPU_HASH = 5,
	MT_PERCPU_ARRAY = 6, MT_STACK_TRACE = 7, MT_CGROUP_ARRAY = 8, MT_LRU_HASH = 9,
	MT_LRU_PERCPU_HASH = 10, MT_LPM_TRIE = 11, MT_ARRAY_OF_MAPS = 12, MT_HASH_OF_MAPS = 13,
	MT_QUEUE = 22, MT_STACK = 23, MT_RINGBUF = 27, MT_TASK_STORAGE = 29, MT_BLOOM_FILTER = 30,
	MT_USER_RINGBUF = 31,
};

/* What the arguments say together. */
enum { CALL_EXTERN = -1, CALL_KFUNC = -2 };
struct call {
	const struct helper_proto *h;
	int32_t    id;		/* of the helper, or enum above */
	int32_t    map;		/* index, -1: none */
	bool       inner;	/* one of a map of maps, like that one */
	uint64_t   size_max;	/* of the last SIZE argument */
	uint64_t   record;	/* CONST_SIZE */
	uint32_t   type;	/* TYPE: of the target's BTF, 0: void */
	uint32_t   release;	/* reference that ends */
	uint32_t   func;	/* FUNC: the subprogram */
	uint32_t   dynptr;	/* id of the last DYNPTR argument, and ... */
	uint32_t   dynptr_ref;	/* ... the record it holds */
	uint32_t   timer;	/* TIMER: the map that it is in */
	bool       release_dynptr;	/* that one is gone */
};

/* Is argument r what the prototype wants?  0 or negative; fills *c. */
int check_arg(struct vfy *v, struct call *c, unsigned r, enum helper_arg kind);
int check_args(struct vfy *v, struct call *c);
/* What the call leaves behind.  not_null: a lookup surely found its value. */
int finish_call(struct vfy *v, struct call *c, bool not_null);

/* ---- iter.c ---- */
int step_iter(struct vfy *v, const struct helper_proto *k);

/* ---- dynptr.c ---- */
int arg_dynptr(struct vfy *v, struct call *c, unsigned r, enum helper_arg kind);
/* Is register r a dynptr?  Then c->dynptr and c->dynptr_ref are set. */
bool dynptr_given(struct vfy *v, struct call *c, unsigned r);

/* ---- timer.c ---- */
int arg_timer(struct vfy *v, struct call *c, unsigned r);
/* bpf_timer_init: is the map that of the timer? */
int check_timer_map(struct vfy *v, const struct call *c);
/* c->func may be called by the timers of c->timer. */
int timer_callback(struct vfy *v, const struct call *c);

#endif
