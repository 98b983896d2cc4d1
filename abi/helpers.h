/* SPDX-License-Identifier: MIT
 *
 * helpers.h - kinds used by helpers.def, and lookups in it.
 *
 * The same kinds fix the C signature of bpftime_h_<name>() in runtime-min and the
 * call that the compiler emits:
 *     MAP           two parameters: const struct bpftime_map *m, void *base
 *     ANY, SCALAR, UNCHECKED, SIZE*, CONST_SIZE, TASK, TYPE       uint64_t
 *     every other kind                  void *  (const where only read)
 *     result        uint64_t, or void * for the _OR_NULL kinds, or void
 * but for
 *     void *bpftime_h_tail_call(void *ctx, const struct bpftime_map *m, void *base,
 *                               uint64_t index, uint64_t type)
 * which only finds the target: its C-ABI form (objfmt_hook.body_rel), if the slot's program is
 * in this payload and of the same enum prog_type; else NULL. The compiler makes the jump and
 * counts.  Helpers with a FUNC argument are loops that the compiler makes, with the call in them:
 *     loop               has no function
 *     for_each_map_elem  void *bpftime_h_for_each_map_elem(const struct bpftime_map *m,
 *                                                          void *base, struct helper_each *at)
 * which only finds the next element: the address of its value, and at->key; NULL: no more.
 *     user_ringbuf_drain uint64_t bpftime_h_user_ringbuf_drain(const struct bpftime_map *m,
 *                                                              void *base, struct helper_drain *at)
 * which is done with one sample and finds the next: 1, and at->dynptr; 0: no more, and at->result.
 *     uint64_t bpftime_h_timer_set_callback(void *timer, uint64_t id)
 * whose id is that of the function in the table bpftime_timers (runtime-min/timer.h).
 *     uint64_t bpftime_h_spin_lock(const struct bpftime_map *m, void *base, void *lock)
 * is 0, or 1 when the lock could not be had: then the program ends.  m and base are those of the
 * map with the lock, or NULL when it is not known. */
#ifndef BPFTIME_ABI_HELPERS_H
#define BPFTIME_ABI_HELPERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Where bpf_for_each_map_elem is in a map; zeros at its beginning. */
struct helper_each {
	uint64_t    next;	/* the first element that it did not get to */
	const void *key;
	uint32_t    index, cpu;
};

/* Where bpf_user_ringbuf_drain is in a ring buffer; zeros but for `flags` at its beginning. */
struct helper_drain {
	uint64_t dynptr[2];	/* the sample, as the callback gets it */
	uint64_t flags;
	uint64_t stop;		/* what the callback returned for it */
	uint64_t result;
	uint32_t seen, given, bytes;	/* headers looked at; samples; size of this one */
	bool     begun;
};

/* The running task, as bpf_get_current_task_btf() has it: no address that a process can read. */
#define HELPER_TASK 0xffffa00000000000ull

enum { HELPER_MAX_LOOPS = 8 << 20 };	/* the kernel's BPF_MAX_LOOPS */

enum helper_arg {
	ARG_NONE,
	ARG_UNCHECKED,		/* whatever the register holds, set or not */
	ARG_ANY,		/* any initialised scalar (or pointer, for privileged semantics) */
	ARG_MAP,		/* a map */
	ARG_MAP_KEY,		/* key_size readable bytes */
	ARG_MAP_VALUE,		/* value_size readable bytes */
	ARG_MEM,		/* readable memory of the size in the next argument */
	ARG_MEM_UNINIT,		/* memory of that size, written by the helper */
	ARG_SIZE,		/* > 0, bounds the memory before it */
	ARG_SIZE0,		/* >= 0, bounds the memory before it */
	ARG_CONST_SIZE,		/* a known constant: size of the record returned */
	ARG_CTX,		/* the context, whole: the program needs the full frame */
	ARG_CTX_COOKIE,		/* the context, of which only the attach cookie is read */
	ARG_CTX_FUNC_IP,	/* the context, of which only the function address is read */
	ARG_RINGBUF_MEM,	/* a record from ringbuf_reserve; the reference ends here */
	ARG_CTX_NONE,		/* the context, of which nothing is read */
	ARG_MAP_VALUE_UNINIT,	/* value_size bytes, written by the helper */
	ARG_MEM_OR_NULL,	/* like MEM; may be NULL when the size is 0 */
	ARG_MEM_UNINIT_OR_NULL,	/* like MEM_UNINIT; may be NULL when the size is 0 */
	ARG_LONG_UNINIT,	/* 8 aligned bytes, written by the helper */
	ARG_CONST_STR,		/* a NUL-terminated string in constant global data */
	ARG_FUNC,		/* a function of the program, called by the helper */
	ARG_SCALAR,		/* a number, no address */
	ARG_ITER_NUM,		/* an iterator on the stack, of bpf_iter_num_*: kfuncs only */
	ARG_ITER_BITS,		/* of bpf_iter_bits_* */
	ARG_FUNC_CTX,		/* what the helper hands on to that function: stack, or NULL */
	ARG_CTX_ARGS,		/* the context, of which the registers of a call's arguments are read */
	ARG_CTX_RET,		/* the context, of which the returned value is read */
	ARG_CTX_OUT,		/* the context, whose out_value and out_set are written */
	ARG_VALUE_MEM,		/* part of a map's value, of the size in the next argument */
	ARG_BUFFER_OR_NULL,	/* readable and writable memory of that constant size, or NULL */
	ARG_DYNPTR,		/* a dynptr: 16 bytes of the stack, or one that the program was given */
	ARG_DYNPTR_NEW,		/* 16 bytes of the stack where a dynptr is made */
	ARG_DYNPTR_NEW_RECORD,	/* the same, for one that holds a record: a reference */
	ARG_DYNPTR_NEW_CLONE,	/* the same, for one like the dynptr before it */
	ARG_DYNPTR_RECORD,	/* a dynptr that holds a record; the reference ends here */
	ARG_SPIN_LOCK,		/* the struct bpf_spin_lock of a map value */
	ARG_TIMER,		/* the struct bpf_timer of a map value */
	ARG_TYPE,		/* the id of a structure in the target's BTF, or 0: void */
	ARG_TASK,		/* the running task, HELPER_TASK, or NULL */
	ARG_MAP_VALUE_OR_NULL,	/* like MAP_VALUE, or NULL */
};

enum helper_ret {
	RET_INT,
	RET_VOID,
	RET_MAP_VALUE_OR_NULL,
	RET_RINGBUF_MEM_OR_NULL,	/* a reference that must be released */
	RET_ITER_ELEM_OR_NULL,	/* an int to be read; NULL: the end */
	RET_SLICE_OR_NULL,	/* as many bytes of the dynptr as CONST_SIZE says */
	RET_SLICE_RDONLY_OR_NULL,	/* the same, to be read */
	RET_TASK,		/* the number HELPER_TASK */
	RET_ANYWHERE,		/* an address that nobody vouches for: loads through it do not fault */
};

/* How much of the stack an iterator takes; 0: the argument is none. */
static inline unsigned iter_bytes(uint8_t arg)
{
	return arg == ARG_ITER_NUM ? 8 : arg == ARG_ITER_BITS ? 16 : 0;
}

/* Kinds whose result is a pointer. */
static inline bool ret_is_pointer(uint8_t ret)
{
	return ret != RET_INT && ret != RET_VOID && ret != RET_TASK && ret != RET_ANYWHERE;
}

/* Kinds of program, as bits: hooks.def says which kind a SEC() name is. */
enum prog_type {
	PROG_KPROBE, PROG_TRACEPOINT, PROG_RAW_TRACEPOINT, PROG_PERF_EVENT,
	PROG_XDP, PROG_SOCKET_FILTER, PROG_VM, PROG_TYPE_COUNT,
};
enum {
	PROGS_KPROBE = 1 << PROG_KPROBE,
	PROGS_DECIDING = 1 << PROG_KPROBE | 1 << PROG_TRACEPOINT | 1 << PROG_RAW_TRACEPOINT,
	PROGS_TRACING = 1 << PROG_KPROBE | 1 << PROG_TRACEPOINT |
			1 << PROG_RAW_TRACEPOINT | 1 << PROG_PERF_EVENT | 1 << PROG_VM,
	PROGS_STACKS = PROGS_TRACING & ~(1 << PROG_VM),	/* whose context is a frame */
	PROGS_XDP = 1 << PROG_XDP | 1 << PROG_VM,
	PROGS_PACKET = 1 << PROG_XDP | 1 << PROG_SOCKET_FILTER | 1 << PROG_VM,
	PROGS_ALL = (1 << PROG_TYPE_COUNT) - 1,
};

enum helper_id {
#define HELPER(id_, name_, ...) HELPER_##name_ = (id_),
#define HELPER_SLEEPS(id_, name_, ...) HELPER_##name_ = (id_),
#define HELPER_NO(id_, name_, reason_) HELPER_##name_ = (id_),
#include "helpers.def"
	HELPER_ID_END
};

struct helper_proto {
	const char *name;
	const char *refused;	/* reason, or NULL when it is supported */
	bool        sleeps;	/* only for programs that may sleep */
	uint16_t    progs;	/* PROGS_* */
	uint8_t     ret;	/* enum helper_ret */
	uint8_t     arg[5];	/* enum helper_arg */
};

/* The row of helper `id`; NULL when no such helper exists. Static storage. */
const struct helper_proto *helper_proto(int32_t id);

/* The row of kfuncs.def for "bpf_iter_num_new" and so on; NULL when there is none; its name is
 * without "bpf_", unless it is refused. Static storage. */
const struct helper_proto *kfunc_proto(const char *name);
/* The rows in their order; NULL behind the last. */
const struct helper_proto *kfunc_row(size_t i);

/* "kprobe", "tracepoint", ... as in the records of test/data. */
const char *prog_type_name(enum prog_type t);
/* Returns PROG_TYPE_COUNT when there is no such name. */
enum prog_type prog_type_of(const char *name);

#ifdef __cplusplus
}
#endif
#endif
