/* SPDX-License-Identifier: MIT
 *
 * unwind_x86_64.c - what stands at the entry of _Unwind_Find_FDE (libgcc, unwind-dw2-fde.h):
 *
 *     is pc (rdi) in the payload?  no: the displaced instructions, and back
 *     the last entry of the table at or below it; is pc in the function that the FDE describes?
 *     bases (rsi) = { tbase 0, dbase 0, func }; return the FDE, or 0
 *
 * Only registers that a function may change are used, and no stack. */
#include "part.h"

#include <stdlib.h>
#include <string.h>

#include "targets.h"
#include "window.h"

enum { PAGE = 4096, CODE_BYTES = 512, ENTRY_BYTES = 8, FDE_RANGE = 12 };	/* FDE: length, CIE, start, range */

static const char search[] = "_Unwind_Find_FDE";

static uint64_t pages(uint64_t n) { return (n + PAGE - 1) & ~(uint64_t)(PAGE - 1); }

/* The place of the jump, or why there is none. */
static const char *find_site(struct proc *p, const struct image *im, struct site *s, struct tramp_site *ts)
{
	const struct image_symbol *y = NULL;
	const struct image_fde *f;
	struct targets *t;
	const char *why;

	for (size_t i = 0; i < im->n_sym && !y; i++)
		if (!strcmp(im->sym[i].name, search))
			y = &im->sym[i];
	if (!y)
		return "it is no unwinder of libgcc's kind";
	t = targets_new(im);
	if (!targets_called(t, y->vaddr))
		return "nothing calls its search for unwind data";
	f = image_fde_at(im, y->vaddr);
	*s = (struct site){ .vaddr = y->vaddr, .symbol = search, .kind = SITE_ENTRY,
			    .fn_vaddr = y->vaddr, .fn_bytes = f ? f->bytes : y->bytes };
	*ts = (struct tramp_site){ .moved = arena_array(p->arena, WINDOW_MAX, sizeof(uint64_t)) };
	why = window_decide(im, t, s, ts);
	return why ? why : s->tactic == TACTIC_JMP ? NULL : "its search for unwind data is too short";
}

bool unwind_hookable(struct proc *p, const struct proc_module *m, const char **why)
{
	struct tramp_site ts;
	struct site s;

	*why = find_site(p, m->im, &s, &ts);
	return !*why;
}

int unwind_part(struct proc *p, struct proc_module *m, const struct live_part *serves,
		struct live_part *out, struct diags *dg)
{
	const char *why;
	size_t n;

	*out = (struct live_part){ .m = m, .job = { .a = p->arena, .im = m->im, .dg = dg },
				   .serves = serves };
	out->site = arena_alloc(p->arena, sizeof(*out->site));
	out->ts = arena_alloc(p->arena, sizeof(*out->ts));
	why = find_site(p, m->im, out->site, out->ts);
	if (why)
		return diag(dg, DIAG_P025, at_file(m->path), "%s: %s", search, why);
	plan_cfi(serves->job.plan, &n);
	out->head_bytes = (sizeof(struct livefmt_head) + 63) & ~63ull;
	out->rx_bytes = pages(out->head_bytes + CODE_BYTES + ENTRY_BYTES * (uint64_t)n + 16 +
			      live_record_bound(m->im->path, 1));
	return 0;
}

struct row {		/* of the table: offsets from the served payload's start */
	uint32_t pc, fde;
};

static int by_pc(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	return x->pc < y->pc ? -1 : x->pc > y->pc;
}

static struct row *make_table(struct arena *a, const struct live_part *of, size_t *n)
{
	const struct cfi_entry *e = plan_cfi(of->job.plan, n);
	struct row *row = arena_array(a, *n + 1, sizeof(*row));
	uint64_t base = of->at - of->m->bias;

	for (size_t i = 0; i < *n; i++)
		row[i] = (struct row){ (uint32_t)(e[i].pc_vaddr - base), (uint32_t)(e[i].fde_vaddr - base) };
	if (*n)
		qsort(row, *n, sizeof(*row), by_pc);
	return row;
}

/* A short jump forward or back whose end is known later, or already. */
static size_t jump_ahead(struct code *c, uint8_t op)
{
	PUT(c, op, 0);
	return c->n;
}

static void put_search(struct code *c, const struct live_part *of, size_t n, uint64_t table)
{
	size_t other, done, below, none, none2, again;

	PUT(c, 0x48, 0xb8);			/* movabs $payload, %rax */
	put64(c, of->at);
	PUT(c, 0x48, 0x89, 0xf9);		/* mov %rdi, %rcx */
	PUT(c, 0x48, 0x29, 0xc1);		/* sub %rax, %rcx */
	PUT(c, 0x48, 0x81, 0xf9);		/* cmp $bytes, %rcx */
	put32(c, (uint32_t)of->rx_bytes);
	PUT(c, 0x0f, 0x83);			/* jae other */
	other = c->n;
	put32(c, 0);
	PUT(c, 0x4c, 0x8d, 0x05);		/* lea table, %r8 */
	put_rel32(c, table, 0);
	PUT(c, 0x45, 0x31, 0xc9, 0xba);		/* xor %r9d, %r9d; mov $n, %edx */
	put32(c, (uint32_t)n);
	again = c->n;
	PUT(c, 0x41, 0x39, 0xd1);		/* cmp %edx, %r9d */
	done = jump_ahead(c, 0x73);		/* jae done */
	PUT(c, 0x46, 0x8d, 0x14, 0x0a);		/* lea (%rdx,%r9), %r10d */
	PUT(c, 0x41, 0xd1, 0xea);		/* shr %r10d */
	PUT(c, 0x43, 0x3b, 0x0c, 0xd0);		/* cmp (%r8,%r10,8), %ecx */
	below = jump_ahead(c, 0x72);		/* jb below */
	PUT(c, 0x45, 0x8d, 0x4a, 1);		/* lea 1(%r10), %r9d */
	PUT(c, 0xeb, (uint8_t)(again - (c->n + 2)));
	fix_rel8(c, below);
	PUT(c, 0x44, 0x89, 0xd2);		/* below: mov %r10d, %edx */
	PUT(c, 0xeb, (uint8_t)(again - (c->n + 2)));
	fix_rel8(c, done);
	PUT(c, 0x45, 0x85, 0xc9);		/* done: test %r9d, %r9d */
	none = jump_ahead(c, 0x74);
	PUT(c, 0x47, 0x8b, 0x54, 0xc8, 0xf8);	/* mov -8(%r8,%r9,8), %r10d: start */
	PUT(c, 0x47, 0x8b, 0x5c, 0xc8, 0xfc);	/* mov -4(%r8,%r9,8), %r11d: its FDE */
	PUT(c, 0x49, 0x01, 0xc2);		/* add %rax, %r10 */
	PUT(c, 0x4c, 0x01, 0xd8);		/* add %r11, %rax */
	PUT(c, 0x8b, 0x50, FDE_RANGE);		/* mov range(%rax), %edx */
	PUT(c, 0x4c, 0x29, 0xd7);		/* sub %r10, %rdi */
	PUT(c, 0x48, 0x39, 0xd7);		/* cmp %rdx, %rdi */
	none2 = jump_ahead(c, 0x73);
	PUT(c, 0x31, 0xc9);			/* xor %ecx, %ecx */
	PUT(c, 0x48, 0x89, 0x0e);		/* mov %rcx, (%rsi) */
	PUT(c, 0x48, 0x89, 0x4e, 8);		/* mov %rcx, 8(%rsi) */
	PUT(c, 0x4c, 0x89, 0x56, 16);		/* mov %r10, 16(%rsi) */
	PUT(c, 0xc3);
	fix_rel8(c, none);
	fix_rel8(c, none2);
	PUT(c, 0x31, 0xc0, 0xc3);		/* none: xor %eax, %eax; ret */
	fix_rel32(c, other, c->n);
}

/* The displaced instructions, at addresses of the file as everything that they refer to. */
static void put_rest(const struct live_part *part, struct code *c)
{
	const struct tramp_site *ts = part->ts;
	size_t off[WINDOW_MAX + 1];
	uint64_t base = c->vaddr;

	insns_move(ts->insn, ts->n_insn, c, off);
	for (size_t i = 0; i < ts->n_insn; i++)
		ts->moved[i] = base + off[i];
	put_jmp(c, ts->back_vaddr);
}

int unwind_build(struct live_part *part, uint32_t seq, struct diags *dg)
{
	struct arena *a = part->job.a;
	uint8_t *out = arena_alloc(a, part->rx_bytes), *after = arena_alloc(a, 8);
	uint64_t code_vaddr = part->at + part->head_bytes - part->m->bias;
	uint64_t table_off = part->head_bytes + CODE_BYTES;
	struct code c = { out + part->head_bytes, 0, CODE_BYTES, code_vaddr, false };
	struct livefmt_head h = {
		.magic = LIVEFMT_MAGIC, .version = LIVEFMT_VERSION, .size = sizeof(h), .state = LIVE_ATTACHED,
		.self = part->at, .rx_bytes = part->rx_bytes, .bias = part->m->bias, .seq = seq,
		.bits = LIVE_UNWIND, .serves = part->serves->at,
	};
	struct bytes record;
	bool far = false;
	size_t n;
	struct row *row = make_table(a, part->serves, &n);

	put_search(&c, part->serves, n, code_vaddr + CODE_BYTES);
	put_rest(part, &c);
	window_bytes_at(part->site, part->ts, code_vaddr, after, &far);
	if (c.n > CODE_BYTES || c.far || far)
		return diag(dg, DIAG_P202, at_file(part->m->path), "more than 2 GiB");
	memcpy(out + table_off, row, n * sizeof(*row));
	part->n_edit = 0;
	*ARENA_PUSH(a, part->edit, part->n_edit, part->cap_edit) = (struct live_edit){
		.at = part->m->bias + part->site->patch_vaddr, .kind = LIVE_CODE,
		.before = { image_at(part->m->im, part->site->patch_vaddr, part->site->window_bytes),
			    part->site->window_bytes },
		.after = { after, part->site->window_bytes } };
	record = live_record(a, part, 0);
	h.record_off = (table_off + n * sizeof(*row) + 15) & ~15ull;
	h.record_bytes = record.n;
	memcpy(out + h.record_off, record.p, record.n);
	memcpy(out, &h, sizeof(h));
	part->rx = (struct bytes){ out, part->rx_bytes };
	return 0;
}
