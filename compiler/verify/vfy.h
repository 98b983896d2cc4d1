/* SPDX-License-Identifier: MIT
 *
 * vfy.h - the verifier's own structures.
 *
 * vfy_verify() walks the program path by path (walk.c).  A state is what is known before
 * an instruction; transfer functions, one file an instruction class, change it or
 * refuse the program.  Points where paths meet keep checkpoints: a path whose state is
 * covered by a checkpoint that was explored to the end stops there (prune.c). */
#ifndef BPFTIME_VERIFY_VFY_H
#define BPFTIME_VERIFY_VFY_H

#include "helpers.h"
#include "maps.h"
#include "range.h"
#include "verify.h"

enum {
	MAX_OFF = 1 << 29,		/* offsets from a pointer stay within -MAX_OFF..MAX_OFF */
	MAX_INSNS = 1000000,		/* processed on all paths together, as in the kernel */
	MAX_PROG_INSNS = 1000000,
	MAX_SUBPROGS = 256,
	MAX_PENDING = 8192,		/* branches waiting to be explored */
	MAX_FRAMES = 100000,		/* in all states, some 10 KB each: no more are kept to compare with */
	N_SLOTS = BPFI_STACK_BYTES / 8,
	N_REGS = 11,
};

enum reg_type {
	REG_NONE,			/* never written, or gone after a call */
	REG_SCALAR,
	REG_CTX,
	REG_STACK,			/* .frame */
	REG_MAP,			/* the map itself: .map */
	REG_MAP_VALUE, REG_MAP_KEY,	/* .map */
	REG_PACKET, REG_PACKET_META, REG_PACKET_END,
	REG_MEM,			/* .size bytes: a record, the memory of a vm program, ... */
	REG_FUNC,			/* .sub */
	REG_DYNPTR,			/* a dynptr that lives elsewhere: .dynptr */
	REG_ARENA,			/* an address in the arena, in 32 bits; whatever it is, it may be used */
	REG_ANYWHERE,			/* an address that nobody vouches for; it may be read, fault-safe; of type .size of the
					 * target's BTF, 0: void */
	REG_GONE,			/* pointed into a dynptr that has ended: of no use */
};

/* What a register, or a spilled one, holds.  A pointer points `off` + some value of
 * `var` bytes behind the start of its object. */
struct reg {
	uint8_t  type;			/* enum reg_type */
	bool     or_null;
	bool     read_only;		/* REG_MEM */
	bool     inner;			/* REG_MAP: one of a map of maps, like .map */
	uint8_t  frame;			/* REG_STACK */
	/* Equal ids: scalars are copies of one another, pointers share a null check
	 * or the variable part of a packet offset.  0: none. */
	uint32_t id;
	int32_t  delta;			/* scalars: this one is the id's value + delta */
	uint32_t ref;			/* the reference it stands for, 0: none */
	uint32_t dynptr;		/* REG_DYNPTR: its id; REG_MEM: the dynptr it points into, 0: none */
	union {
		uint32_t map;		/* index in the unit */
		uint32_t size;
		uint32_t range;		/* packets: bytes from the id's start known to be there */
		uint32_t sub;
	};
	int32_t  off;
	uint32_t def;			/* struct def */
	struct scalar var;
};

enum slot_byte {
	BYTE_NONE, BYTE_MISC, BYTE_ZERO, BYTE_SPILL,
	/* All eight: an iterator, or half of one.  reg.ref is the reference, reg.size how many bytes it
	 * has, reg.off 0 or, in the half at the higher address, 8. */
	BYTE_ITER,
	/* All eight: half of a dynptr.  reg.dynptr is its id, reg.ref the record it holds, reg.off
	 * 0 in the half at the lower address and 8 in the other. */
	BYTE_DYNPTR,
};

/* Eight bytes of stack at r10 - 8 * (index + 1); byte[0] has the lowest address.  A
 * spilled register fills bytes from 0 up; its reg.type is REG_NONE when there is none. */
struct slot {
	uint8_t    byte[8];
	struct reg reg;
};

struct frame {
	struct reg  r[N_REGS];
	uint32_t    call_insn;		/* where the caller goes on: call_insn + 1 */
	uint16_t    sub, level;		/* of its function; state.frame[level] is this */
	uint16_t    n_slot;		/* slots in use; above are BYTE_NONE */
	bool        callback;		/* a helper called it, and may again */
	bool        timer;		/* the first one, when a timer calls it */
	uint32_t    turns;		/* times that the callback of the call at hand ran */
	uint32_t    calling, counter;	/* bounds: of that call, of may_goto in this function; 0: none */
	uint32_t    dynptr;		/* a callback was given this one, until it returns; 0: none */
	uint64_t    written;		/* slots fully written since the last checkpoint */
	struct frame *next_free;
	struct slot slot[N_SLOTS];
};

enum { MAX_REFS = 64 };
struct ref {
	uint32_t id, insn;		/* where it was acquired */
};

/* What ends a loop: an iterator, a call of a helper that calls back, may_goto's counter of a function that
 * is active.  It lets a path go round only so often, as long as it is the same one. */
enum { MAX_BOUNDS = MAX_REFS + 2 * BPFI_MAX_FRAMES };
struct bound {
	uint32_t id, turns;		/* bodies entered */
};

struct state {
	struct frame *frame[BPFI_MAX_FRAMES];
	uint32_t   top;			/* index of the running frame */
	uint32_t   pc;
	struct ref ref[MAX_REFS];
	uint32_t   n_ref;
	struct {			/* the bpf_spin_lock that is held */
		uint32_t map;		/* index + 1; 0: none */
		uint32_t id;		/* of the value, 0: there is only one */
		uint32_t insn;		/* where it was taken */
	} lock;
	struct checkpoint *parent;	/* the last one on the way here */
	struct bound bound[MAX_BOUNDS];	/* oldest first */
	uint32_t   n_bound;
	struct state *next_free;
};

/* A path that ended because what it would find is being found elsewhere: what turns out
 * to matter there matters here too. */
struct backedge {
	struct backedge   *next;
	struct checkpoint *parent;
	uint64_t           written[BPFI_MAX_FRAMES];
};

/* What was known where paths meet. */
struct checkpoint {
	struct checkpoint *parent;
	struct checkpoint *next;	/* at the same instruction, newest first */
	struct state      *state;	/* NULL: no longer compared with */
	const struct bound *bound;	/* its n_bound bounds */
	uint32_t n_bound;
	uint32_t seq;			/* they are numbered in the order in which they are made */
	uint32_t branches;		/* paths from here that have not ended */
	uint32_t hits, misses;
	uint32_t top;
	uint64_t read[BPFI_MAX_FRAMES];		/* slots whose contents mattered later */
	uint64_t written[BPFI_MAX_FRAMES];	/* slots written since the parent */
	struct backedge *back;
};

/* A value's origin.  Registers and slots that hold copies share it.  Marking a scalar
 * precise (its exact range mattered) marks what it was made from.  At a checkpoint every
 * value gets a new def made from the old one, so that the checkpoint knows which of
 * its values mattered to what came after it. */
struct def {
	uint32_t from[2];
	uint32_t insn : 31;		/* DEF_RENAMED: made at a checkpoint */
	uint32_t precise : 1;
	uint32_t watch;			/* first in vfy.watch, 0: none */
};
enum { DEF_RENAMED = 0x7fffffff };
struct watch {				/* when its def becomes precise, `also` does */
	uint32_t also, next;
};
struct slots_work {			/* mark_slots_read() */
	struct checkpoint *cp;
	uint64_t mask;
};

/* What is known of an instruction before the walk (cfg.c) and what it found. */
enum insn_bits {
	INSN_SECOND = 1,		/* second slot of ld_imm64 */
	INSN_SEEN = 2,			/* some path through the CFG gets here */
	INSN_PRUNE = 4,			/* states are compared here */
	INSN_LOOP = 8,			/* always: a loop that ends by itself goes on here */
};
struct insn_aux {
	uint8_t  bits;			/* enum insn_bits */
	uint16_t sub;
	uint16_t live;			/* registers read before they are written */
	struct checkpoint *checkpoints;
	/* facts */
	bool     halves_seen, whole_seen;	/* arithmetic: on an address in an arena, on something else */
	bool     mem_seen, map_seen, func_seen, inner_seen, took_jump, took_fall;
};

enum { MAX_TIMER_MAPS = 4 };
struct subprog {
	uint32_t start, end;		/* slots [start, end) */
	const struct unit_func *func;	/* NULL: not named by the unit */
	uint16_t stack_bytes;		/* deepest use */
	bool     callback, tail_call, may_goto;
	bool     counts;		/* there is a may_goto in it, reached or not */
	bool     locks;			/* it, or what it calls, takes a bpf_spin_lock */
	bool     wanted, done;		/* global: called, verified */
	uint32_t timer[MAX_TIMER_MAPS], n_timer;	/* maps whose timers may call it */
};

struct vfy {
	const struct unit      *u;
	const struct unit_prog *p;
	const struct vfy_opts  *opts;
	struct vfy_result      *out;
	struct diags           *dg;
	struct arena           *mem;	/* all that is below; freed at the end */
	const struct bpfi *insn;
	uint32_t         n_insn;
	struct insn_aux *aux;
	struct subprog   sub[MAX_SUBPROGS];
	uint32_t         n_sub, first_sub;	/* the one being verified: 0 or a global one */
	struct def *def;
	size_t      n_def, cap_def;
	uint32_t   *work;		/* mark_precise() */
	size_t      cap_work;
	struct state *cur;		/* before the instruction cur->pc */
	uint32_t      next;		/* where this path goes on */
	struct state **pending;
	size_t      n_pending, cap_pending;
	struct state *free_states;
	struct frame *free_frames;
	uint32_t    n_frames;		/* made, in use or not */
	uint32_t    next_id;
	uint64_t    n_done;		/* instructions processed */
	uint64_t    n_jumps;
	/* prune.c */
	uint64_t    last_done, last_jumps;	/* n_done and n_jumps at the last checkpoint */
	uint32_t    n_checkpoints;
	struct checkpoint **open;	/* in progress, with backedges; by seq */
	size_t      n_open, cap_open;
	struct watch *watch;
	size_t      n_watch, cap_watch;
	struct slots_work *slots_work;
	size_t      cap_slots_work;
	uint64_t    started_ns;
};

/* ---- state.c ---- */
struct state *state_new(struct vfy *v);
struct state *state_copy(struct vfy *v, const struct state *s);
void state_free(struct vfy *v, struct state *s);
struct frame *frame_new(struct vfy *v);
void frame_free(struct vfy *v, struct frame *f);
static inline struct frame *frame_of(struct state *s) { return s->frame[s->top]; }
static inline struct reg *reg_of(struct vfy *v, unsigned r) { return &frame_of(v->cur)->r[r]; }
void reg_set_scalar(struct vfy *v, struct reg *r, struct scalar s, uint32_t from);
void reg_set_unknown(struct vfy *v, struct reg *r);
/* A pointer of that type, offset 0. */
void reg_set_pointer(struct vfy *v, struct reg *r, enum reg_type type);
uint32_t def_new(struct vfy *v, uint32_t from0, uint32_t from1);
void mark_precise(struct vfy *v, uint32_t def);
uint32_t ref_acquire(struct vfy *v);
static inline bool is_pointer(const struct reg *r) { return r->type > REG_SCALAR; }
static inline bool is_packet(const struct reg *r)
{
	return r->type == REG_PACKET || r->type == REG_PACKET_META;
}
/* The reference is gone: released, or it was never given out. */
void ref_drop(struct state *s, uint32_t ref);
void bound_begin(struct state *s, uint32_t id);
void bound_end(struct state *s, uint32_t id);
void bound_turn(struct state *s, uint32_t id);
/* Did what ends loops get closer to its end since then, by the `first` oldest bounds: 1 yes, 0 nothing
 * turned, -1 what turned began anew, and may do so for ever. */
int bound_compare(const struct checkpoint *then, const struct state *now, uint32_t first);
/* How many bounds the two share, oldest first. */
uint32_t bounds_shared(const struct checkpoint *cp, const struct bound *b, uint32_t n);
/* Applies fn to every register and spilled register of all frames. */
void each_reg(struct state *s, void (*fn)(struct reg *r, void *arg), void *arg);

/* ---- explain.c ---- */
struct loc vfy_at(struct vfy *v, uint32_t insn);
/* Refuses the program at the current instruction; the result is negative. */
int refuse(struct vfy *v, enum diag_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The same, then what is known of register r and the instructions that made it. */
int refuse_reg(struct vfy *v, enum diag_code code, unsigned r, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* "a map value of counts (8 bytes) + 4, which may be NULL" */
const char *reg_text(struct vfy *v, const struct reg *r);
/* A continuation line with the instruction and where it is in the source. */
void explain_insn(struct vfy *v, uint32_t insn);

/* ---- log.c ---- */
/* def[]: of the registers before the instruction. */
void log_insn(struct vfy *v, uint32_t pc, const uint32_t def[N_REGS]);
void log_path(struct vfy *v, const char *why);

/* ---- structure.c, cfg.c: before the walk ---- */
int check_structure(struct vfy *v);
int check_cfg(struct vfy *v);
/* Index of the subprogram that starts at `insn`, or -1. */
int sub_at(const struct vfy *v, uint32_t insn);
void live_registers(struct vfy *v);

/* ---- transfer functions; 0 or negative ---- */
int step_alu(struct vfy *v, const struct bpfi *in);
int step_load(struct vfy *v, const struct bpfi *in);
int step_store(struct vfy *v, const struct bpfi *in);
int step_atomic(struct vfy *v, const struct bpfi *in);
int step_ld_imm64(struct vfy *v, const struct bpfi *in);
int step_ld_packet(struct vfy *v, const struct bpfi *in);
int step_jump(struct vfy *v, const struct bpfi *in);
int step_call(struct vfy *v, const struct bpfi *in);
int step_helper(struct vfy *v, const struct bpfi *in);
int step_extern(struct vfy *v, const struct bpfi *in);
int step_kfunc(struct vfy *v, const struct bpfi *in);
int step_exit(struct vfy *v);	/* 1: this path has ended */

/* ---- kfunc.c ---- */
/* The prototype of what a call of a kernel function calls; NULL: none that is known. */
const struct helper_proto *called_kfunc(const struct vfy *v, const struct bpfi *in);

/* ---- spin_lock.c ---- */
static inline bool has_lock(const struct vfy *v, const struct reg *p)
{
	return p->type == REG_MAP_VALUE && v->u->map[p->map].lock;
}
/* bpf_spin_lock() or, not `take`, bpf_spin_unlock() of what register r points at. */
int spin_lock(struct vfy *v, unsigned r, bool take);
/* Nothing may be held where `what` may end the program because a lock cannot be had. */
int check_no_records(struct vfy *v, const char *what);
/* Nothing that may take long, or take another lock, while one is held. */
int check_unlocked(struct vfy *v, const char *what);
/* May `bytes` bytes at register r + off be touched: not the lock? */
int check_beside_lock(struct vfy *v, unsigned r, int32_t off, uint64_t bytes);

/* ---- timer.c ---- */
/* May `bytes` bytes at register r + off be touched: not the timer? */
int check_beside_timer(struct vfy *v, unsigned r, int32_t off, uint64_t bytes);
/* The path through what a timer calls ends: 1. */
int leave_timer(struct vfy *v);

/* ---- call.c ---- */
/* The function returns to its caller, or to the helper that called it. */
int leave_function(struct vfy *v);
/* The helper at hand may call `sub` before it goes on. */
int call_back(struct vfy *v, int32_t helper, uint32_t sub);
int check_nothing_held(struct vfy *v, const char *what);
/* may_goto has a counter of its own in each activation of a function. */
void frame_counts(struct vfy *v, struct state *s, struct frame *f);
/* At a call of a helper that calls back: unless it came back from there, it begins. */
void call_begins(struct vfy *v);

/* ---- signature.c ---- */
enum sig_kind { SIG_NUMBER, SIG_CTX, SIG_MEM, SIG_DYNPTR, SIG_ARENA };
struct sig_arg {
	uint8_t  kind;			/* enum sig_kind */
	bool     not_null;
	uint32_t bytes;			/* SIG_MEM: readable and writable there */
};
struct signature {
	uint8_t n;
	bool    is_void;
	struct sig_arg arg[5];
};
int function_signature(struct vfy *v, uint32_t sub, struct signature *out);

int check_fields(struct vfy *v, const struct bpfi *in);	/* structure.c */
int check_read(struct vfy *v, unsigned r);	/* register was written */
int check_write(struct vfy *v, unsigned r);	/* may be written */

/* Gives r an id that copies of it can share (alu.c). */
void link_scalar(struct vfy *v, struct reg *r);
/* Every copy of the pointer `id` is, or is not, NULL (jump.c). */
void settle_null(struct vfy *v, struct state *s, uint32_t id, uint32_t ref, bool is_null);

/* ---- mem.c ---- */
enum access { ACCESS_READ = 1, ACCESS_WRITE = 2, ACCESS_ATOMIC = 4, ACCESS_HELPER = 8 };
/* May `bytes` bytes at register r + off be accessed?  For ACCESS_READ with value, *value
 * becomes what is read (type REG_SCALAR or a pointer); for ACCESS_WRITE value is what
 * is written, NULL: any bytes. */
int check_mem(struct vfy *v, unsigned r, int32_t off, uint32_t bytes, unsigned access,
	      struct reg *value);
/* A helper reads or writes `bytes` bytes, 0 included, at register r. */
int check_mem_helper(struct vfy *v, unsigned r, uint64_t bytes, unsigned access);
/* `bytes` bytes at register r go to a function that may read and write them. */
int check_mem_shared(struct vfy *v, unsigned r, uint32_t bytes);
/* The range of byte offsets, from the object's start, that `bytes` at reg + off touch,
 * is within [0, limit)? */
int check_region(struct vfy *v, enum diag_code code, unsigned r, int32_t off, uint64_t bytes,
		 uint64_t limit);

/* ---- stack.c ---- */
int stack_access(struct vfy *v, unsigned r, int32_t off, uint64_t bytes, unsigned access,
		 struct reg *value);

/* Slot n of frame f: is it an iterator? */
static inline bool is_iter(const struct frame *f, unsigned n)
{
	return n < f->n_slot && f->slot[n].byte[0] == BYTE_ITER;
}

static inline bool is_dynptr(const struct frame *f, unsigned n)
{
	return n < f->n_slot && f->slot[n].byte[0] == BYTE_DYNPTR;
}

/* Are the `bytes` bytes at p one known number?  It is then marked precise. */
bool stack_const(struct vfy *v, const struct reg *p, unsigned bytes, uint64_t *out);

/* What the slots of `mask` hold in frame f of the current state mattered. */
void mark_slots_read(struct vfy *v, const struct frame *f, uint64_t mask);

/* ---- dynptr.c ---- */
/* `value` (or NULL: any bytes) is stored to slot n of f: a dynptr there ends, or the program
 * is refused. */
int dynptr_overwrite(struct vfy *v, struct frame *f, unsigned n, struct reg *value);
/* The record `ref` is gone, and with it the dynptrs that hold it and what points into them. */
void dynptr_release(struct vfy *v, uint32_t ref);
/* The callback that was given that dynptr has returned: it, its clones and what points into them
 * are of no use, wherever they are. */
void dynptr_end_given(struct vfy *v, uint32_t dynptr);

/* ---- facts.c ---- */
bool fact_mem(struct vfy *v, const struct reg *r, int32_t off);
void fact_map(struct vfy *v, int32_t map);
void fact_func(struct vfy *v, uint32_t sub);
void fact_inner(struct vfy *v, int32_t template);
void fact_ctx(struct vfy *v, uint32_t off, uint32_t bytes);
void fact_ctx_field(struct vfy *v, uint32_t field);
void fact_stack_read(struct vfy *v, const struct frame *f, int lo, int hi);
void fact_number(struct vfy *v, const struct reg *r);
void fact_address(struct vfy *v, const struct reg *r);

/* ---- walk.c ---- */
/* The current path also goes to `pc`; returns the state that does, or NULL after a
 * refusal (too many). */
struct state *fork_path(struct vfy *v, uint32_t pc);
int walk(struct vfy *v);

/* ---- prune.c ---- */
/* Called before each instruction: 1 when this path need not go on, negative when the
 * program loops for ever. */
int visit_state(struct vfy *v);
void end_path(struct vfy *v);
/* s goes round a loop that ends by itself: numbers that change from one turn to the next
 * and did not matter become unknown, so that the loop is soon known whole. */
void widen(struct vfy *v, struct state *s, const struct checkpoint *not_this);

/* ---- equal.c ---- */
enum compare {
	COMPARE_MATTERS,	/* what mattered to the paths from the checkpoint */
	COMPARE_ALL,		/* everything */
};
/* Is every state that s stands for one that cp does? */
bool state_covers(struct vfy *v, const struct checkpoint *cp, const struct state *s,
		  enum compare how);
/* Calls fn for each pair of values, of cp and of s, at the same live place. */
void each_pair(struct vfy *v, const struct checkpoint *cp, struct state *s,
	       void (*fn)(struct vfy *v, const struct reg *old, struct reg *now));
uint16_t live_at(const struct vfy *v, const struct state *s, uint32_t level);

/* ---- depth.c, after the walk ---- */
int check_stack_depth(struct vfy *v);

#endif
