/* SPDX-License-Identifier: MIT
 *
 * lower.h - BPF instructions become LLVM IR, through LLVM's C interface.
 *
 * A program is one LLVM function a BPF function (main, subprograms).  A BPF register is
 * an i64 alloca, which mem2reg removes.  Beside it each register has a `ptr` twin: where
 * it surely holds an address (kinds.c), the twin carries the same value as a pointer
 * derived by getelementptr, and memory is accessed through it.  So LLVM sees which
 * object an access belongs to, stack and frame dissolve into registers, and nothing
 * escapes through ptrtoint unless the program itself treats the address as a number. */
#ifndef BPFTIME_COMPILER_LOWER_LOWER_H
#define BPFTIME_COMPILER_LOWER_LOWER_H

#include <llvm-c/Core.h>

#include "btf_slim.h"
#include "compiler.h"
#include "objfmt.h"

enum {
	N_REGS = 11,
	LOWER_SUB_ARGS = 12,	/* of a subprogram: r1..r5 as numbers, as pointers, tail_count, gave_up */
};

/* What ld_imm64 makes of function n of a program: a number, so that code has no address of code. */
#define LOWER_FUNC_ID(n_) (0x66756e6300000000ll | (int64_t)(n_))

#define LOWER_SLOTS "slots"	/* the global with the base slots, then those of externs */

/* The bytes of one map as the module knows them. */
struct lower_map {
	LLVMValueRef desc;	/* address of its struct bpftime_map */
	LLVMValueRef room;	/* the data itself; NULL: reached through the slot */
	LLVMValueRef slot;	/* address of the base slot, NULL with a room */
	LLVMValueRef constant;	/* frozen contents that loads may be folded from, or NULL */
	uint32_t     room_bytes;
};

struct lower_hook {	/* what became of program i */
	LLVMValueRef entry;	/* specialised entry, or NULL */
	LLVMValueRef body;	/* C-ABI form, or NULL */
	enum entry_form form;
	uint8_t      bits;	/* OBJFMT_HOOK_* */
	uint32_t     ctx_mask;
	uint8_t      hash[32];
};

struct debug;
struct lower;

/* Bytes with 32-bit self-relative fields in them.  The global exists, and can be pointed
 * at, before its contents do. */
struct table {
	struct lower *l;
	LLVMValueRef  global;
	size_t        bytes;
	const size_t *rel;	/* offsets of the self-relative fields, ascending */
	size_t        n_rel;
};

struct lower {			/* one LLVM module in the making */
	LLVMContextRef ctx;
	LLVMModuleRef  mod;
	LLVMModuleRef  runtime;	/* where lower_runtime() finds functions; NULL: the CPU has none */
	LLVMBuilderRef b;
	LLVMTypeRef    i1, i8, i16, i32, i64, ptr, void_;
	struct arena  *a;
	const struct unit *u;
	const struct compile_opts *opts;
	struct diags  *dg;
	const char    *target;	/* name of the CPU, for messages */
	bool           no_rooms;	/* all maps are reached through slots: their data is elsewhere */
	unsigned       hook_cc;	/* calling convention of entries: preserve_most where it exists */
	struct lower_map *map;	/* u->n_map of them */
	LLVMValueRef  *ext_slot;	/* u->n_ext of them: addresses of the functions */
	struct lower_hook *hook;	/* u->n_prog of them; hash is set first */
	struct btf_slim btf;
	LLVMValueRef   object;	/* .bpftime.object */
	struct table   externs;	/* rows of externs (objfmt.h); none: no global */
	LLVMValueRef   maps;	/* all descriptors, one global; NULL without maps */
	LLVMValueRef   map_base;/* ptr (ptr desc): base of a map known only at run time */
	struct debug  *debug;	/* NULL without -g */
	LLVMValueRef  *used;	/* kept whatever the optimiser thinks of it */
	size_t         n_used, cap_used;
};

enum addr_kind {	/* of a register */
	KIND_UNREACHED,	/* no path leads here */
	KIND_STACK,	/* r10 of this function + off; the twin is good */
	KIND_CONST,	/* the number off */
	KIND_PTR,	/* the twin is the register's value as a pointer; off: KIND_PTR_OR_NULL or 0 */
	KIND_INT,	/* anything; the twin is stale */
};
enum { KIND_PTR_OR_NULL = 1 };	/* straight from a helper that may have found nothing */
struct kind {
	uint8_t is;	/* enum addr_kind */
	int64_t off;
};
struct kinds {
	struct kind reg[N_REGS];
};
static inline bool kind_has_twin(struct kind k)
{
	return k.is == KIND_STACK || k.is == KIND_PTR;
}

struct lower_prog;

struct lower_func {	/* one BPF function of a program */
	struct lower_prog *p;
	struct lower      *l;
	const char  *name;
	uint32_t     start, end;	/* slots [start, end) */
	struct kinds in;		/* kinds of r1..r5 at its calls, joined */
	LLVMValueRef fn;
	bool         callback;		/* its id may be in a register */
	bool         timer;		/* a timer may call it */
	LLVMValueRef reg[N_REGS], twin[N_REGS];
	LLVMValueRef budget;		/* may_goto: iterations left */
	LLVMValueRef tail_count;	/* i64: where tail calls are counted, 0: none are made */
	LLVMValueRef gave_up;		/* address of an i64: not 0 when the program is to end, because
					 * a lock could not be had; NULL: it takes none */
	bool         draining;		/* which waits until the drain at hand has ended */
	struct kinds now;		/* at the instruction being lowered */
	bool         in_cold;		/* its block is cold */
};

struct lower_prog {
	struct lower *l;
	const struct unit_prog  *prog;
	const struct vfy_result *facts;	/* NULL: unverified */
	struct lower_func *func;	/* prog->n_func of them */
	bool               locks;	/* it calls bpf_spin_lock */
	uint8_t           *leader;	/* a block starts at this slot */
	struct kinds      *kinds;	/* at each leader */
	uint8_t           *cold;	/* the block at this leader runs rarely */
	uint32_t          *tree;	/* this comparison is in a switch (switch.c): slot of its root + 1 */
	unsigned           n_inlined;	/* map operations so far that are more than arithmetic */
	LLVMBasicBlockRef *block;	/* of each leader */
};

/* Is there a call of f, or may callx make one? */
static inline bool lower_is_called(const struct lower_prog *p, const struct lower_func *f)
{
	return p->kinds[f->start].reg[0].is != KIND_UNREACHED;
}

/* Makes the map globals of the unit (maps.c). Call before lower_program. */
int lower_maps(struct lower *l);
/* Base address of map i's data, as a ptr. */
LLVMValueRef lower_map_base(struct lower *l, size_t i);
/* What a slot holds: filled before any program runs, the same ever after. */
LLVMValueRef lower_slot(struct lower *l, LLVMValueRef slot);

/* Lowers program i into an internal function of the form of objfmt_hook.body_rel.
 * *tail_calls: it may leave through a musttail call.  Returns 0 or a negative diagnostic. */
int lower_program(struct lower *l, size_t i, const struct vfy_result *facts,
		  LLVMValueRef *body, bool *tail_calls);

/* ---- between the files of this folder ---- */

/* Structure: every jump inside its function, no falling off the end, known opcodes. */
int  lower_check(struct lower_prog *p);
/* Kinds at every leader of every function, to a fixpoint. */
void lower_kinds(struct lower_prog *p);
/* Which blocks are cold (cold.c). */
void lower_cold(struct lower_prog *p);
/* Does the jump at slot i test whether a lookup found something? */
bool lower_is_null_test(const struct lower_prog *p, uint32_t i, const struct kinds *k,
			bool *taken_if_null);
enum lower_op {		/* where the code of a map operation is */
	LOWER_OP_HERE,	/* inlined; made fit for the map once, however often it is called */
	LOWER_OP_APART,	/* in a function that keeps its caller's registers */
	LOWER_OP_COLD,	/* there, and rarely called */
};
/* A function around helper h, `fn`, on one map, or on any (map < 0) (cold.c). */
LLVMValueRef lower_map_op(struct lower *l, const struct helper_proto *h, LLVMValueRef fn, int32_t map,
			  enum lower_op where);
void lower_add_attr(struct lower *l, LLVMValueRef fn, const char *name);

/* Bytes of the function's stack that a program might read before it writes them (stack.c).
 * bit[k] of *out stands for r10 - 512 + k.  Returns the lowest byte that may be used at all. */
struct stack_bits {
	uint64_t word[BPFI_STACK_BYTES / 64];
};
int lower_stack(const struct lower_prog *p, const struct lower_func *f, struct stack_bits *out);
/* At a function's first instruction, but for its parameters. */
void kinds_at_start(struct kinds *k);
/* The effect of the instruction at slot i. */
void kinds_step(const struct lower_prog *p, uint32_t i, struct kinds *k);

/* Does slot i read one of the addresses in an XDP program's context? */
bool lower_is_packet_ptr(const struct lower_prog *p, uint32_t i);

struct lower_func *lower_func_at(struct lower_prog *p, int64_t slot);	/* starting there, or NULL */
/* The slot a jump at slot i leads to (gotol: by imm). */
int64_t lower_target(const struct bpfi *in, uint32_t i);

LLVMValueRef reg_get(struct lower_func *f, unsigned r);			/* i64 */
LLVMValueRef reg_get_w(struct lower_func *f, unsigned r, LLVMTypeRef w);	/* truncated */
LLVMValueRef reg_ptr(struct lower_func *f, unsigned r);			/* ptr */
void reg_set(struct lower_func *f, unsigned r, LLVMValueRef v);		/* iN, zero-extended */
void reg_set_ptr(struct lower_func *f, unsigned r, LLVMValueRef ptr);

/* Source operand in the width of the instruction: register, or sign-extended imm. */
LLVMValueRef lower_src(struct lower_func *f, const struct bpfi *in, LLVMTypeRef w);
LLVMValueRef lower_imm(LLVMTypeRef w, int64_t v);

void lower_alu(struct lower_func *f, uint32_t i);
/* Ends the block with a switch where the jump at slot i is the root of one (switch.c). */
bool lower_switch(struct lower_func *f, uint32_t i);
LLVMValueRef lower_cond(struct lower_func *f, const struct bpfi *in);	/* i1 of a conditional jump */
int lower_mem(struct lower_func *f, uint32_t i);			/* LDX, ST, STX, ld_imm64 */
void lower_atomic(struct lower_func *f, const struct bpfi *in, LLVMValueRef p);	/* at p */
/* Addresses in the program's arena (arena.c): what touches memory there, casts, the
 * address of a variable, where it begins or ends. */
void lower_arena(struct lower_func *f, uint32_t i);
void lower_cast(struct lower_func *f, const struct bpfi *in);
void lower_arena_ends(struct lower_func *f, const struct bpfi *in);	/* objfmt.h: OBJFMT_MAP_USER_START, _END */
void lower_arena_variable(struct lower_func *f, const struct bpfi *in);
/* Of the two ways of a conditional branch one is rarely gone. */
void lower_weigh(struct lower *l, LLVMValueRef branch, bool taken_is_rare);
int  lower_call(struct lower_func *f, uint32_t i);
/* bpf_loop, bpf_for_each_map_elem, bpf_user_ringbuf_drain (callback.c), bpf_timer_set_callback (timer.c). */
static inline bool lower_calls_back(const struct bpfi *in)
{
	return in->code == BPFI_JMP_CALL && in->src == BPFI_CALL_HELPER &&
	       (in->imm == HELPER_loop || in->imm == HELPER_for_each_map_elem ||
		in->imm == HELPER_user_ringbuf_drain || in->imm == HELPER_timer_set_callback);
}
int  lower_callback(struct lower_func *f, uint32_t i);
/* Calls the function of the program that `id` stands for with r1..r5, as numbers and as pointers;
 * 1 when there is none.  Returns an i64. */
LLVMValueRef lower_call_id(struct lower_func *f, LLVMValueRef id, const LLVMValueRef num[5],
			   const LLVMValueRef ptr[5]);
LLVMValueRef lower_call_func(struct lower_func *f, const struct lower_func *callee,
			     const LLVMValueRef num[5], const LLVMValueRef ptr[5],
			     LLVMValueRef tail_count);
/* bpf_spin_lock (spin_lock.c). */
int  lower_spin_lock(struct lower_func *f, uint32_t i);
int  lower_timer(struct lower_func *f, uint32_t i);
/* What timers may call of a program that is lowered: forms that C can call, and their rows. */
void lower_timers(struct lower_prog *p);
/* Behind a call of a function of the program: it may have given up. */
void lower_check_gave_up(struct lower_func *f);
/* The runtime's function of that name and type, or NULL. */
LLVMValueRef lower_runtime(struct lower *l, const char *name, LLVMTypeRef type);
/* Descriptor and base of the map in register r, argument of the call at slot i. */
void lower_map_arg(struct lower_func *f, uint32_t i, unsigned r, LLVMValueRef out[2]);
LLVMValueRef lower_ptr_at(struct lower_func *f, unsigned r, int off);	/* ptr: register + off */
LLVMTypeRef  lower_size(struct lower *l, uint8_t code);		/* of a load or store */

#endif
