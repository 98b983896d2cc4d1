/* SPDX-License-Identifier: MIT
 *
 * tramp_x86_64.c - the pieces that trampolines are made of. */
#include "tramp_x86_64.h"

#include "cpu.h"

enum {
	FRAME_BYTES = sizeof(struct bpftime_frame_x86_64),
	USER_CS = 0x33, USER_SS = 0x2b,
};

/* Fields of the frame that are registers of the same name. */
static const uint8_t reg_of_field[CTX_FIELDS] = {
	[CTX_R15] = R15, [CTX_R14] = R14, [CTX_R13] = R13, [CTX_R12] = R12, [CTX_BP] = RBP,
	[CTX_BX] = RBX, [CTX_R11] = R11, [CTX_R10] = R10, [CTX_R9] = R9, [CTX_R8] = R8,
	[CTX_AX] = RAX, [CTX_CX] = RCX, [CTX_DX] = RDX, [CTX_SI] = RSI, [CTX_DI] = RDI,
	[CTX_ORIG_AX] = NO_REG, [CTX_IP] = NO_REG, [CTX_CS] = NO_REG, [CTX_FLAGS] = NO_REG,
	[CTX_SP] = NO_REG, [CTX_SS] = NO_REG, [CTX_COOKIE] = NO_REG, [CTX_FUNC_IP] = NO_REG,
};

enum reg tramp_field_reg(unsigned field) { return reg_of_field[field]; }

/* ---- small pieces ---- */

void tramp_rows(struct tramp *t)
{
	static const uint8_t kept[] = { RBX, RBP, R12, R13, R14, R15 }, dwarf[] = { 3, 6, 12, 13, 14, 15 };
	struct cfi_row row;

	if (!t->cfi)
		return;
	row = cfi_pushed(t->base, t->depth);
	/* What a function's caller expects back: bodies that stand here change it. */
	for (unsigned i = 0; i < sizeof(kept) && row.cfa.kind == CFI_REGISTER && row.cfa.reg == CFI_RSP; i++)
		if (t->saved[kept[i]] && row.reg[dwarf[i]].kind == CFI_SAME)
			row.reg[dwarf[i]] = (struct cfi_rule){ .kind = CFI_OFFSET,
							       .off = -(t->base.cfa.off + t->saved[kept[i]]) };
	cfi_set(t->f, code_vaddr(t->c), &row);
}

void move_sp(struct tramp *t, int32_t by)	/* flags stay */
{
	if (by >= -128 && by < 128) {
		PUT(t->c, 0x48, 0x8d, 0x64, 0x24, (uint8_t)by);
	} else {
		PUT(t->c, 0x48, 0x8d, 0xa4, 0x24);
		put32(t->c, (uint32_t)by);
	}
	t->depth -= by;
	tramp_rows(t);
}

/* The same, a shade faster where stack operations follow; the flags change. */
void room_sp(struct tramp *t, int32_t by)
{
	uint8_t modrm = by < 0 ? 0xec : 0xc4;
	uint32_t n = (uint32_t)(by < 0 ? -by : by);

	if (n < 128) {
		PUT(t->c, 0x48, 0x83, modrm, (uint8_t)n);
	} else {
		PUT(t->c, 0x48, 0x81, modrm);
		put32(t->c, n);
	}
	t->depth -= by;
	tramp_rows(t);
}

void push_reg(struct tramp *t, enum reg r)
{
	if (r >= R8)
		PUT(t->c, 0x41);
	PUT(t->c, (uint8_t)(0x50 | (r & 7)));
	t->depth += 8;
	t->saved[r] = t->depth;
	tramp_rows(t);
}

void pop_reg(struct tramp *t, enum reg r)
{
	if (r >= R8)
		PUT(t->c, 0x41);
	PUT(t->c, (uint8_t)(0x58 | (r & 7)));
	t->depth -= 8;
	t->saved[r] = 0;
	tramp_rows(t);
}

/* The rest of an instruction with the operand disp(%rsp), opcode before it. */
static void put_rsp(struct tramp *t, uint8_t reg, int32_t disp)
{
	bool small = disp >= -128 && disp < 128;

	PUT(t->c, (uint8_t)((small ? 0x44 : 0x84) | (reg & 7) << 3), 0x24);
	if (small)
		PUT(t->c, (uint8_t)disp);
	else
		put32(t->c, (uint32_t)disp);
}

/* op reg, disp(%rsp): 8b loads, 89 stores, 8d takes the address. */
void op_rsp(struct tramp *t, uint8_t op, enum reg r, int32_t disp)
{
	PUT(t->c, (uint8_t)(0x48 | (r >= R8 ? 4 : 0)), op);
	put_rsp(t, (uint8_t)r, disp);
}

/* op reg, disp8(%r11) */
void op_r11(struct tramp *t, uint8_t op, enum reg r, uint8_t disp)
{
	PUT(t->c, (uint8_t)(0x49 | (r >= R8 ? 4 : 0)), op, (uint8_t)(0x43 | (r & 7) << 3), disp);
}

static void mov_reg(struct tramp *t, enum reg to, enum reg from)
{
	PUT(t->c, (uint8_t)(0x48 | (from >= R8 ? 4 : 0) | (to >= R8 ? 1 : 0)), 0x89,
	    (uint8_t)(0xc0 | (from & 7) << 3 | (to & 7)));
}

void lea_rip(struct tramp *t, enum reg r, uint64_t vaddr)
{
	PUT(t->c, (uint8_t)(0x48 | (r >= R8 ? 4 : 0)), 0x8d, (uint8_t)(0x05 | (r & 7) << 3));
	put_rel32(t->c, vaddr, 0);
}

void mov_imm64(struct tramp *t, enum reg r, uint64_t v)
{
	PUT(t->c, (uint8_t)(0x48 | (r >= R8 ? 1 : 0)), (uint8_t)(0xb8 | (r & 7)));
	put64(t->c, v);
}

static void cmp_at(struct tramp *t, uint32_t attach, bool two, uint8_t with)
{
	if (two)
		PUT(t->c, 0x48);
	PUT(t->c, 0x83, 0x3d);
	put_rel32(t->c, t->g->placed ? lnk_word_vaddr(t->g->lnk, attach) : t->c->vaddr, 1);
	PUT(t->c, with);
}

void cmp_word(struct tramp *t, uint32_t attach) { cmp_at(t, attach, false, 0); }

size_t put_branch(struct tramp *t, uint8_t cc)
{
	PUT(t->c, 0x0f, (uint8_t)(0x80 | cc));
	put32(t->c, 0);
	return t->c->n - 4;
}

bool side_by_side(const struct site_attach *const *list)
{
	return list[1]->attach == list[0]->attach + 1;
}

void cmp_words(struct tramp *t, const struct site_attach *const *list, size_t n)
{
	cmp_at(t, list[0]->attach, n == 2, 0);
}

static size_t branch_on_words(struct tramp *t, const struct site_attach *const *list, size_t n, uint8_t with,
			      size_t *at)
{
	size_t n_at = 0;

	for (size_t i = 0; i < n; i++) {
		bool two = i + 1 < n && side_by_side(list + i);

		cmp_at(t, list[i]->attach, two, with);
		i += two;
		at[n_at++] = put_branch(t, CC_NE);
	}
	return n_at;
}

size_t branch_unless_all(struct tramp *t, const struct site_attach *const *list, size_t n, size_t *at)
{
	return branch_on_words(t, list, n, 0xff, at);
}
_Static_assert(RT_ENABLED == UINT32_MAX, "one word or two, compared with -1");

size_t branch_if_any(struct tramp *t, const struct site_attach *const *list, size_t n, size_t *at)
{
	return branch_on_words(t, list, n, 0, at);
}

void cmp_done(struct tramp *t)
{
	PUT(t->c, 0x83, 0x3d);
	put_rel32(t->c, t->g->placed ? t->g->rt_state : t->c->vaddr, 1);
	PUT(t->c, (uint8_t)RT_INIT_DONE);
}

void put_ask(struct tramp *t, uint32_t attach)
{
	PUT(t->c, 0x68);
	put32(t->c, attach);
	t->depth += 8;
	tramp_rows(t);
	put_call(t->c, t->g->cold);
	t->depth -= 8;
	tramp_rows(t);
}

/* The word is looked at again behind the state: another thread may have initialised since. */
void ask_cold(struct tramp *t, uint32_t attach, uint64_t run_vaddr)
{
	size_t jne, jmp, miss = 0;
	bool go = t->room != STACK_ROOMY;

	cmp_done(t);
	PUT(t->c, 0x75, 0);		/* jne ask */
	jne = t->c->n;
	cmp_word(t, attach);
	put_jcc(t->c, CC_NE, run_vaddr);
	PUT(t->c, go ? 0xe9 : 0xeb, 0);	/* jmp behind */
	if (go)
		PUT(t->c, 0, 0, 0);
	jmp = t->c->n;
	fix_rel8(t->c, jne);
	if (go && !t->spare[0] && t->room == STACK_NONE) {	/* nowhere to ask: not yet */
		fix_rel32(t->c, jmp - 4, t->c->n);
		return;
	}
	if (go)
		miss = go_stack_enter(t);
	put_ask(t, attach);		/* ask: */
	if (go)
		go_stack_leave(t, miss);
	put_jcc(t->c, CC_NE, run_vaddr);
	if (go)
		fix_rel32(t->c, jmp - 4, t->c->n);
	else
		fix_rel8(t->c, jmp);
}

/* ---- fields of the context ---- */

bool tramp_hook_reads(const struct objfmt_hook *h, unsigned field)
{
	return h->kind != HOOK_tracepoint && h->ctx_mask >> field & 1;
}

bool tramp_site_reads(const struct lnk *l, const struct site *s, unsigned field, bool at_return)
{
	for (size_t i = 0; i < s->n_at; i++)
		if (s->at[i].ret == at_return && tramp_hook_reads(lnk_hook(l, s->at[i].hook)->row, field))
			return true;
	return false;
}

bool tramp_reads_flags(const struct lnk *l, const struct site *s, bool at_return)
{
	return tramp_site_reads(l, s, CTX_FLAGS, at_return);
}

/* Will the word of the flags in a frame be where pushing them puts them?  Of a program among others it is not: their
 * registers lie between. */
static bool frame_has_flags(const struct tramp *t)
{
	const struct objfmt_hook *only = NULL;

	for (size_t i = 0; i < t->s->n_at; i++) {
		if (t->s->at[i].ret != t->at_return)
			continue;
		if (only)
			return false;
		only = lnk_hook(t->g->lnk, t->s->at[i].hook)->row;
	}
	return only && only->form == ENTRY_FRAME && tramp_hook_reads(only, CTX_FLAGS) && t->flags == FLAGS_DEAD &&
	       !t->s->usdt;
}

void load_sp(struct tramp *t, enum reg to)
{
	if (t->on_stack)
		go_stack_load(t, OP_LEA, to, t->under_depth + (t->at_return ? 8 : 0));
	else
		op_rsp(t, OP_LEA, to, t->depth + (t->at_return ? 8 : 0));
}

/* The value of a field that is the same at each hit. */
static bool constant_field(unsigned field, uint64_t cookie, uint64_t *v)
{
	switch (field) {
	case CTX_ORIG_AX: *v = UINT64_MAX; return true;	/* not in a system call */
	case CTX_CS: *v = USER_CS; return true;
	case CTX_SS: *v = USER_SS; return true;
	case CTX_COOKIE: *v = cookie; return true;
	default: return false;
	}
}

/* What the target had in r is on the stack only. */
static bool saved_away(const struct tramp *t, enum reg r)
{
	return t->saved[r] && !(t->intact >> r & 1);
}

void load_field(struct tramp *t, enum reg to, unsigned field, uint64_t cookie)
{
	enum reg r = reg_of_field[field];
	uint64_t v;

	if (r != NO_REG) {
		if (saved_away(t, r))
			op_rsp(t, OP_LOAD, to, t->depth - t->saved[r]);
		else if (t->on_stack && t->under[r])
			go_stack_load(t, OP_LOAD, to, t->under_depth - t->under[r]);
		else if (r != to)
			mov_reg(t, to, r);
		return;
	}
	if (constant_field(field, cookie, &v)) {
		mov_imm64(t, to, v);
		return;
	}
	switch (field) {
	case CTX_FLAGS: op_rsp(t, OP_LOAD, to, t->depth - t->saved_flags); break;
	case CTX_SP: load_sp(t, to); break;
	case CTX_FUNC_IP: lea_rip(t, to, (t->s->kind == SITE_OFFSET || t->s->kind == SITE_RETURN) &&
				  t->s->fn_vaddr ? t->s->fn_vaddr : t->s->vaddr); break;
	default:	/* CTX_IP */
		if (t->at_return && t->on_stack)
			go_stack_load(t, OP_LOAD, to, t->under_depth);
		else if (t->at_return)
			return_address(t, to);
		else
			lea_rip(t, to, t->s->vaddr);
		break;
	}
}

static int32_t frame_bytes(const struct tramp *t)
{
	return FRAME_BYTES + (t->s->usdt ? 8 * t->s->usdt->n_word : 0);
}

/* Words behind the frame, from what is in it by now; rdi and the flags are free. */
static void build_words(struct tramp *t)
{
	const struct usdt_spec *u = t->s->usdt;

	for (unsigned i = 0; u && i < u->n_word; i++) {
		const struct usdt_word *w = &u->word[i];

		if (w->xmm != USDT_NO_FIELD) {	/* movq %xmm, word */
			PUT(t->c, 0x66);
			if (w->xmm >= 8)
				PUT(t->c, 0x44);
			PUT(t->c, 0x0f, 0xd6, (uint8_t)(0x84 | (w->xmm & 7) << 3), 0x24);
			put32(t->c, FRAME_BYTES + 8 * i);
			continue;
		}
		PUT(t->c, 0x31, 0xff);		/* xor %edi, %edi */
		if (w->index != USDT_NO_FIELD)
			op_rsp(t, OP_LOAD, RDI, 8 * w->index);
		PUT(t->c, 0x48, 0xc1, 0xe7, w->shift);	/* shl $shift, %rdi */
		if (w->base != USDT_NO_FIELD)
			op_rsp(t, OP_ADD, RDI, 8 * w->base);
		if (w->fs) {	/* fs:0 holds the thread pointer itself (psABI, TLS variant II) */
			PUT(t->c, 0x64, 0x48, 0x03, 0x3c, 0x25);
			put32(t->c, 0);
		}
		op_rsp(t, OP_STORE, RDI, (int32_t)(FRAME_BYTES + 8 * i));
	}
}

/* movq $v, disp(%rsp), where that says the same as the 64 bits of v; else through rdi. */
static void store_imm(struct tramp *t, uint64_t v, int32_t disp)
{
	if ((int64_t)v != (int32_t)v) {
		mov_imm64(t, RDI, v);
		op_rsp(t, OP_STORE, RDI, disp);
		return;
	}
	PUT(t->c, 0x48, 0xc7);
	put_rsp(t, 0, disp);
	put32(t->c, (uint32_t)v);
}

void store_regs(struct tramp *t, int32_t at, uint32_t mask, uint64_t cookie)
{
	for (unsigned i = 0; i < CTX_FIELDS; i++) {
		enum reg r = reg_of_field[i];
		uint64_t v;

		if (i == CTX_DI || !(mask >> i & 1))
			continue;
		if (constant_field(i, cookie, &v)) {
			store_imm(t, v, at + (int32_t)(8 * i));
			continue;
		}
		if (r == NO_REG || saved_away(t, r) || (t->on_stack && t->under[r])) {
			load_field(t, RDI, i, cookie);
			r = RDI;
		}
		op_rsp(t, OP_STORE, r, at + (int32_t)(8 * i));
	}
}

/* What the mask names is in it; where words are made of fields, all.  rdi is stored first and then carries what is in
 * no register.  The flags may already be where they belong. */
void frame_begin(struct tramp *t, uint32_t mask, uint64_t cookie)
{
	bool has_flags = t->over_flags && t->depth == t->saved_flags;

	t->frame = has_flags ? 8 * CTX_FLAGS : frame_bytes(t);
	if (frame_bytes(t) > FRAME_BYTES)
		mask = ALL_FIELDS;
	if (has_flags)
		mask &= ~(1u << CTX_FLAGS);
	move_sp(t, -t->frame);
	op_rsp(t, OP_STORE, RDI, 8 * CTX_DI);
	store_regs(t, 0, mask, cookie);
	build_words(t);
}

void frame_cookie(struct tramp *t, uint64_t cookie)
{
	store_imm(t, cookie, 8 * CTX_COOKIE);
}

void frame_pass(struct tramp *t)
{
	mov_reg(t, RDI, RSP);
}

void frame_end(struct tramp *t, uint16_t again)
{
	again |= 1 << RDI;
	for (unsigned i = 0; i < CTX_FIELDS; i++)
		if (reg_of_field[i] != NO_REG && again >> reg_of_field[i] & 1)
			op_rsp(t, OP_LOAD, reg_of_field[i], (int32_t)(8 * i));
	move_sp(t, t->frame);
}

void push_flags(struct tramp *t)
{
	PUT(t->c, 0x9c);	/* pushfq */
	t->depth += 8;
	t->saved_flags = t->depth;
	tramp_rows(t);
}

/* ---- what is written later ---- */

struct later {
	struct tramp at;	/* the state there */
	void (*write)(struct tramp *t, void *arg);
	void *arg;
};

void put_later(struct tramp *t, void (*write)(struct tramp *, void *), void *arg)
{
	struct tramp_later *l = t->later;

	*ARENA_PUSH(t->g->im->arena, l->part, l->n, l->cap) = (struct later){ *t, write, arg };
}

void write_later(struct tramp *t)
{
	struct tramp_later *l = t->later;

	for (size_t i = 0; i < l->n; i++) {
		struct later part = l->part[i];

		*t = part.at;
		tramp_rows(t);
		part.write(t, part.arg);
	}
	l->n = 0;
}

/* ---- flags ---- */

void save_flags(struct tramp *t)
{
	if (t->room != STACK_ROOMY && t->flags == FLAGS_DEAD)
		return;		/* call_program() pushes what they are then */
	if (t->flags == FLAGS_ALL_LIVE || tramp_reads_flags(t->g->lnk, t->s, t->at_return)) {
		if (frame_has_flags(t)) {
			t->over_flags = FRAME_BYTES - 8 * (CTX_FLAGS + 1);
			move_sp(t, -t->over_flags);
		}
		push_flags(t);
		if (t->flags == FLAGS_ALL_LIVE)
			PUT(t->c, 0xfc);	/* cld */
	} else if (t->flags == FLAGS_STATUS_LIVE) {
		push_reg(t, RAX);
		PUT(t->c, 0x9f, 0x0f, 0x90, 0xc0);	/* lahf; seto %al */
		push_reg(t, RAX);
		op_rsp(t, OP_LOAD, RAX, 8);
		t->saved[RAX] = 0;
	}
}

void restore_flags(struct tramp *t)
{
	if (t->flags == FLAGS_DEAD) {
		if (t->saved_flags)
			move_sp(t, 8 + t->over_flags);
	} else if (t->saved_flags) {
		PUT(t->c, 0x9d);	/* popfq */
		t->depth -= 8;
		tramp_rows(t);
	} else {
		pop_reg(t, RAX);
		PUT(t->c, 0x04, 0x7f, 0x9e);	/* add $0x7f, %al: OF again; sahf: the others */
		pop_reg(t, RAX);
	}
	t->saved_flags = t->over_flags = 0;
}
