/* SPDX-License-Identifier: MIT
 *
 * tramp_x86_64.h - what the files that write trampolines share.
 *
 *     tramp_x86_64.c   pieces of code, fields of the context
 *     program_x86_64.c programs in a row, called or in line
 *     site_x86_64.c    a site's trampoline and the cold path
 *     syscall_x86_64.c the part of that around a system call
 *     return_x86_64.c  return slots: arming one, their stubs, what runs at the return
 *     go_stack_x86_64.c  another stack for programs hooked into goroutines */
#ifndef BPFTIME_LINKER_PATCH_TRAMP_X86_64_H
#define BPFTIME_LINKER_PATCH_TRAMP_X86_64_H

#include "trampoline.h"

#include "hooks.h"
#include "rt.h"

enum reg {
	RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15, NO_REG = 255
};

/* One trampoline in the making. */
struct tramp {
	const struct tramp_common *g;
	const struct site *s;
	struct code *c;
	struct cfi_out *f;
	struct cfi_row base;	/* at depth 0 */
	bool     cfi;
	bool     r11_dead;	/* for the target, and no return program reads it */
	uint8_t  flags;		/* enum flags_mode */
	int32_t  depth;		/* bytes below the stack pointer that the site had */
	int32_t  saved[16];	/* depth behind the push that saved a register; 0: it is in place */
	int32_t  saved_flags;	/* the same, of RFLAGS */
	int32_t  over_flags;	/* free bytes above these: the rest of a frame whose word they are */
	int32_t  frame;		/* bytes that the frame took; around the flags: those below them */
	uint16_t intact;	/* registers that are saved and still hold the same */
	bool     has_row;	/* somebody may unwind here */
	bool     seldom;	/* programs are called: no copies of their bodies */
	struct tramp_later *later;
	bool     at_exit;	/* behind the call of SITE_SYSCALL */
	bool     at_return;	/* at depth 0 rsp points at the return address */
	uint8_t  room;		/* enum stack_room */
	uint8_t  spare[2];
	bool     on_stack;	/* between go_stack_enter and _leave: depth and saved are of that
				 * stack, these of the one left: */
	int32_t  under[16], under_flags, under_depth;
};

/* Notes in the CFI that the stack pointer moved. */
void tramp_rows(struct tramp *t);
void move_sp(struct tramp *t, int32_t by);	/* flags stay */
void room_sp(struct tramp *t, int32_t by);	/* they change */
void push_reg(struct tramp *t, enum reg r);
void pop_reg(struct tramp *t, enum reg r);
enum { OP_LOAD = 0x8b, OP_STORE = 0x89, OP_LEA = 0x8d, OP_ADD = 0x03 };
void op_rsp(struct tramp *t, uint8_t op, enum reg r, int32_t disp);
void op_r11(struct tramp *t, uint8_t op, enum reg r, uint8_t disp);
void mov_imm64(struct tramp *t, enum reg r, uint64_t v);
void lea_rip(struct tramp *t, enum reg r, uint64_t vaddr);

void cmp_word(struct tramp *t, uint32_t attach);	/* cmpl $0, word */
/* Compare the words of the n attach points and branch when not all say exactly RT_ENABLED, or when any is not 0.
 * Return how many branches that makes, at most n; their rel32 fields are at `at`. */
size_t branch_unless_all(struct tramp *t, const struct site_attach *const *list, size_t n, size_t *at);
size_t branch_if_any(struct tramp *t, const struct site_attach *const *list, size_t n, size_t *at);
size_t put_branch(struct tramp *t, uint8_t cc);	/* jcc; the place of its rel32 */
/* One word, or two side by side, with 0. */
void cmp_words(struct tramp *t, const struct site_attach *const *list, size_t n);
bool side_by_side(const struct site_attach *const *list);	/* the words of the first two */
void cmp_done(struct tramp *t);			/* cmpl $RT_INIT_DONE, state: equal when initialised */
void put_ask(struct tramp *t, uint32_t attach);	/* the cold path; ZF: skip this one */

/* Parts that are seldom run: written behind the trampoline's own way, each from the state here on. */
struct tramp_later {
	struct later *part;
	size_t n, cap;
};
void put_later(struct tramp *t, void (*write)(struct tramp *t, void *arg), void *arg);
void write_later(struct tramp *t);	/* all of them, and what these put */

bool tramp_hook_reads(const struct objfmt_hook *h, unsigned field);	/* CTX_* */
bool tramp_site_reads(const struct lnk *l, const struct site *s, unsigned field, bool at_return);
void push_flags(struct tramp *t);
/* Saves the flags where they are live or a hook reads them. */
void save_flags(struct tramp *t);
void restore_flags(struct tramp *t);
/* n programs of one kind, one after the other; with n > 1 none that may decide.  call_program is for one, and gives
 * it another stack where it has none.
 * With decided_at: branches, with rax and rdx still on the stack, when the program says that the
 * function shall not run (rax is its value); *decided_at is the place of that branch's rel32. */
void put_programs(struct tramp *t, const struct site_attach *const *list, size_t n, size_t *decided_at);
void call_program(struct tramp *t, const struct site_attach *at, size_t *decided_at);
/* Programs that run together, none of which may decide, with one compare for two words.  Where one of the words says
 * otherwise they run one by one, each behind its own word, and then go on as `go_on` writes it. */
struct together {
	const struct site_attach **list;
	size_t n, n_words;	/* programs; words: also of some behind them in the list, which do not run here */
	bool   ask;		/* perhaps nothing is initialised */
	void (*go_on)(struct tramp *t, void *arg);	/* NULL: they meet the others behind these */
	void *arg;
};
void put_together(struct tramp *t, const struct together *w);	/* borrowed until write_later() */
/* The word is 0.  Initialised: disabled, falls through.  Else push $attach; call the cold path;
 * jne run; falls through when the program is skipped. */
void ask_cold(struct tramp *t, uint32_t attach, uint64_t run_vaddr);

enum reg tramp_field_reg(unsigned field);	/* the register of the same name, or NO_REG */
/* Loads field `field` into `to`, from wherever it is now. */
void load_field(struct tramp *t, enum reg to, unsigned field, uint64_t cookie);
/* A struct bpftime_frame on the stack, with the fields of the mask: rdi and the flags are spoiled until it ends. */
void frame_begin(struct tramp *t, uint32_t mask, uint64_t cookie);
void frame_cookie(struct tramp *t, uint64_t cookie);	/* another one */
void frame_pass(struct tramp *t);	/* its address to rdi */
void frame_end(struct tramp *t, uint16_t again);	/* loads rdi, and these, from it */
/* The target's stack pointer. */
void load_sp(struct tramp *t, enum reg to);
enum { ALL_FIELDS = (1 << CTX_FIELDS) - 1 };
/* The fields of the mask into the frame at at(%rsp), but rdi's, which has been stored. */
void store_regs(struct tramp *t, int32_t at, uint32_t mask, uint64_t cookie);

/* go_stack_x86_64.c */
bool go_stack_wanted(const struct tramp *t, const struct site_attach *at);
size_t go_stack_enter(struct tramp *t);
void go_stack_leave(struct tramp *t, size_t miss);	/* flags stay; ZF is set after a miss */
/* op disp(sp), to; sp as it was when the stack was left */
void go_stack_load(struct tramp *t, uint8_t op, enum reg to, int32_t off);

/* site_x86_64.c */
struct cold {		/* branch to the cold path of one program, and where it comes back */
	size_t je_at, skip_off;
	size_t decided_at;	/* the branch of a program that decided; 0: it cannot */
	uint32_t attach;
};
/* after: what the words of return programs are tested for, with those of the others; NULL: they are not.  True when
 * they were. */
bool run_programs(struct tramp *t, struct cold *cold, size_t *n_cold, const struct together *after);

/* syscall_x86_64.c */
bool is_syscall_hook(const struct lnk_hook *h);
bool has_exit_programs(const struct site *s);
void call_syscall_program(struct tramp *t, const struct site_attach *at);
/* Branches when the call is not the one that the program asks for; returns the place of that
 * branch's rel32, 0: there is none. */
size_t skip_other_number(struct tramp *t, const struct site_attach *at);
/* Where the number is unknown: tells syscall_part, in rcx, what eax asks for. */
void mark_leaving(struct tramp *t);
/* The call and the exit programs; *at_tests is the state where these begin, *made that behind the
 * call, at made_off. */
void syscall_part(struct tramp *t, struct cold *cold, size_t *n_cold, struct tramp *at_tests,
		  struct tramp *made, size_t *made_off);
/* Instead of a call: eax is its number, rcx what it is to return. */
void syscall_decided(struct tramp *t, const struct tramp *made, size_t made_off);
/* For a thread that was in the call when its site was patched: the call, which the kernel may
 * start anew, without programs, and on to what follows. */
void syscall_under_way(struct tramp *t, const struct tramp_site *ts);

/* return_x86_64.c */
/* flags: programs see the flags at the return. */
void return_stubs(struct tramp_common *g, bool flags, struct code *c, struct cfi_out *f);
/* Behind the entry programs: arms a slot and goes through its stub to what follows; or
 * straight to what follows, when no return program is enabled or no slot is free. */
struct arming {
	bool     tested;	/* somebody who comes here knows that a return program is enabled */
	size_t   cold_at;	/* rel32 fields of branches to the cold parts */
	size_t   slow_at[3];
	uint64_t arm_vaddr, resume_vaddr, body_vaddr;
};
void return_arm(struct tramp *t, uint64_t resume_vaddr, struct arming *a);
/* The same without a slot: calls what follows, a function that needs nothing above its return
 * address; then return programs, ret. */
void return_call(struct tramp *t, struct arming *a);
/* The cold parts of either. */
void return_cold(struct tramp *t, const struct arming *a, bool calls);
/* Loads the program's own return address: behind tail calls that is found through the chain of
 * slots.  Spoils r11 and the flags, which are saved at a return. */
void return_address(struct tramp *t, enum reg to);
/* The return programs; at depth 0 the return address is on top.  r11 is saved. */
void return_programs(struct tramp *t);
/* The return programs of the site, in their order. */
size_t return_list(const struct tramp *t, const struct site_attach **list);
/* What a stub jumps to at the return: programs, then ret. */
void return_resume(struct tramp *t);

#endif
