/* SPDX-License-Identifier: MIT
 *
 * syscall_x86_64.c - trampolines at `syscall` instructions.
 *
 *     enter programs            as at any other site; rcx and r11 are free: the kernel takes them
 *     syscall                   every register and the stack pointer as without a hook
 *     exit programs
 *
 * Nothing is kept across the call but, where the number is not known before it runs and an exit
 * program asks, that number: on the stack below the red zone.  Calls after which the stack is
 * another's (clone, vfork, rt_sigreturn) take a way of their own there, without exit programs. */
#include "tramp_x86_64.h"

#include "syscall_sites.h"

enum { RED_ZONE = 128, ROOM = RED_ZONE + 8, CTX_BLOCK = sizeof(struct bpftime_frame_x86_64), SYSCALL_BYTES = 2 };

bool is_syscall_hook(const struct lnk_hook *h)
{
	return h->row->kind == HOOK_tracepoint || h->row->kind == HOOK_raw_tracepoint;
}

static void store(struct tramp *t, enum reg r, int32_t off) { op_rsp(t, OP_STORE, r, off); }

static void zero(struct tramp *t, int32_t off)
{
	PUT(t->c, 0x31, 0xff);		/* xor %edi, %edi */
	store(t, RDI, off);
}

/* The number of the call, to rdi. */
static void load_number(struct tramp *t)
{
	if (!t->at_exit)
		PUT(t->c, 0x48, 0x63, 0xf8);	/* movslq %eax, %rdi */
	else if (t->s->syscall_nr >= 0)
		mov_imm64(t, RDI, (uint64_t)t->s->syscall_nr);
	else
		op_rsp(t, OP_LOAD, RDI, t->depth - ROOM);
}

/* Cookie and address: where helpers look for them in any context. */
static void store_common(struct tramp *t, uint64_t cookie)
{
	mov_imm64(t, RDI, cookie);
	store(t, RDI, 8 * CTX_COOKIE);
	lea_rip(t, RDI, t->s->vaddr);
	store(t, RDI, 8 * CTX_FUNC_IP);
}

/* Where a stack begins, for contexts that are no frames (hooks.h). */
static void store_place(struct tramp *t)
{
	if (!lnk_wants_stacks(t->g->lnk))
		return;
	store(t, RBP, 8 * CTX_SYS_BP);
	load_sp(t, RDI);
	store(t, RDI, 8 * CTX_SP);
	lea_rip(t, RDI, t->s->vaddr + SYSCALL_BYTES);
	store(t, RDI, 8 * CTX_IP);
	zero(t, 8 * CTX_CS);
}

/* struct bpftime_syscall: rdi is kept in the last word. */
static void call_tracepoint(struct tramp *t, const struct site_attach *at)
{
	static const enum reg arg[] = { RDI, RSI, RDX, R10, R8, R9 };

	move_sp(t, -CTX_BLOCK);
	store(t, RDI, 8 * 8);
	for (int i = 0; i < 6 && !t->at_exit; i++)
		store(t, arg[i], 8 * (2 + i));
	if (t->at_exit)
		store(t, RAX, 8 * 2);
	load_number(t);
	store(t, RDI, 8 * 1);
	zero(t, 0);
	store_common(t, at->cookie);
	store_place(t);
	PUT(t->c, 0x48, 0x89, 0xe7);	/* mov %rsp, %rdi */
	put_call(t->c, t->g->placed ? lnk_entry_vaddr(t->g->lnk, at->hook) : t->c->vaddr);
	op_rsp(t, OP_LOAD, RDI, 8 * 8);
	move_sp(t, CTX_BLOCK);
}

/* struct bpf_raw_tracepoint_args: { struct pt_regs *, id or return value }, and behind it
 * the registers. */
static void call_raw(struct tramp *t, const struct site_attach *at)
{
	move_sp(t, -2 * CTX_BLOCK);
	store(t, RDI, CTX_BLOCK + 8 * CTX_DI);
	store_regs(t, CTX_BLOCK, ALL_FIELDS, at->cookie);
	load_number(t);
	store(t, RDI, CTX_BLOCK + 8 * CTX_ORIG_AX);
	store(t, t->at_exit ? RAX : RDI, 8 * 1);
	op_rsp(t, OP_LEA, RDI, CTX_BLOCK);
	store(t, RDI, 0);
	store_common(t, at->cookie);
	store_place(t);
	PUT(t->c, 0x48, 0x89, 0xe7);	/* mov %rsp, %rdi */
	put_call(t->c, t->g->placed ? lnk_entry_vaddr(t->g->lnk, at->hook) : t->c->vaddr);
	op_rsp(t, OP_LOAD, RDI, CTX_BLOCK + 8 * CTX_DI);
	move_sp(t, 2 * CTX_BLOCK);
}

void call_syscall_program(struct tramp *t, const struct site_attach *at)
{
	if (lnk_hook(t->g->lnk, at->hook)->row->kind == HOOK_tracepoint)
		call_tracepoint(t, at);
	else
		call_raw(t, at);
}

size_t skip_other_number(struct tramp *t, const struct site_attach *at)
{
	if (at->nr < 0 || t->s->syscall_nr >= 0)
		return 0;
	if (t->at_exit) {	/* cmpl $nr, slot */
		PUT(t->c, 0x81, 0xbc, 0x24);
		put32(t->c, (uint32_t)(t->depth - ROOM));
	} else {		/* cmp $nr, %eax */
		PUT(t->c, 0x3d);
	}
	put32(t->c, (uint32_t)at->nr);
	PUT(t->c, 0x0f, 0x80 | CC_NE);
	put32(t->c, 0);
	return t->c->n - 4;
}

bool has_exit_programs(const struct site *s)
{
	for (size_t i = 0; i < s->n_at; i++)
		if (s->at[i].sys_exit)
			return true;
	return false;
}

/* rcx = 0: a call that must find the stack as it was. */
void mark_leaving(struct tramp *t)
{
	size_t je[8], n = 0, done;

	PUT(t->c, 0xb9, 1, 0, 0, 0);	/* mov $1, %ecx */
	for (const int32_t *nr = syscall_leaving; *nr != SYSCALL_ANY; nr++) {
		PUT(t->c, 0x3d);	/* cmp $nr, %eax */
		put32(t->c, (uint32_t)*nr);
		PUT(t->c, 0x0f, 0x80 | CC_E);
		je[n++] = t->c->n;
		put32(t->c, 0);
	}
	PUT(t->c, 0xeb, 2);		/* jmp over */
	done = t->c->n;
	PUT(t->c, 0x31, 0xc9);		/* xor %ecx, %ecx */
	while (n)
		fix_rel32(t->c, je[--n], done);
}

static void do_syscall(struct tramp *t) { PUT(t->c, 0x0f, 0x05); }

/* jrcxz far; returns the place of its rel32 */
static size_t jump_if_rcx_0(struct tramp *t)
{
	PUT(t->c, 0xe3, 2, 0xeb, 5, 0xe9);
	put32(t->c, 0);
	return t->c->n - 4;
}

static void exit_programs(struct tramp *t, struct cold *cold, size_t *n_cold, struct tramp *at_tests)
{
	save_flags(t);
	*at_tests = *t;
	run_programs(t, cold, n_cold, NULL);
	restore_flags(t);
}

static void note_made(const struct tramp *t, struct tramp *made, size_t *made_off)
{
	*made = *t;
	*made_off = t->c->n;
}

void syscall_decided(struct tramp *t, const struct tramp *made, size_t made_off)
{
	if (made->depth) {	/* the exit programs compare the number there */
		move_sp(t, -made->depth);
		op_rsp(t, OP_STORE, RAX, 0);
	}
	PUT(t->c, 0x48, 0x89, 0xc8);	/* mov %rcx, %rax */
	put_jmp(t->c, t->c->vaddr + made_off);
}

void syscall_part(struct tramp *t, struct cold *cold, size_t *n_cold, struct tramp *at_tests,
		  struct tramp *made, size_t *made_off)
{
	size_t skip = 0, plain;

	if (!has_exit_programs(t->s)) {
		do_syscall(t);
		note_made(t, made, made_off);
		return;
	}
	t->at_exit = true;
	if (t->s->syscall_nr >= 0) {
		do_syscall(t);
		note_made(t, made, made_off);
		if (syscall_leaves_stack(t->s->syscall_nr)) {	/* a child, with 0, goes on at once */
			PUT(t->c, 0x48, 0x89, 0xc1);	/* mov %rax, %rcx */
			skip = jump_if_rcx_0(t);
		}
		if (t->room == STACK_ROOMY)
			move_sp(t, -RED_ZONE);
		exit_programs(t, cold, n_cold, at_tests);
		if (t->room == STACK_ROOMY)
			move_sp(t, RED_ZONE);
	} else {
		plain = jump_if_rcx_0(t);
		move_sp(t, -ROOM);
		op_rsp(t, OP_STORE, RAX, 0);
		do_syscall(t);
		note_made(t, made, made_off);
		exit_programs(t, cold, n_cold, at_tests);
		move_sp(t, ROOM);
		PUT(t->c, 0xeb, SYSCALL_BYTES);	/* jmp over */
		fix_rel32(t->c, plain, t->c->n);
		do_syscall(t);
	}
	if (skip)
		fix_rel32(t->c, skip, t->c->n);
	t->at_exit = false;
}

void syscall_under_way(struct tramp *t, const struct tramp_site *ts)
{
	size_t call = ts->n_before, next = call + 1;
	uint64_t behind = next < ts->n_insn ? ts->moved[next] : ts->back_vaddr;

	ts->moved[call] = code_vaddr(t->c);
	do_syscall(t);
	if (next < ts->n_insn)
		ts->moved[next] = code_vaddr(t->c);
	put_jmp(t->c, behind);
}
