/* SPDX-License-Identifier: MIT
 *
 * facts.c - what the compiler is told: it holds on every path that gets there. */
#include "vfy.h"

/* What one instruction may not reach beside anything else: it is compiled in another way. */
static bool alone(enum mem_kind kind)
{
	return kind == MEM_CTX || kind == MEM_ARENA || kind == MEM_MAP;
}

static enum mem_kind kind_of(const struct reg *r)
{
	switch ((enum reg_type)r->type) {
	case REG_STACK:
		return MEM_STACK;
	case REG_CTX:
		return MEM_CTX;
	case REG_MAP_VALUE:
		return MEM_MAP_VALUE;
	case REG_PACKET:
	case REG_PACKET_META:
		return MEM_PACKET;
	case REG_MEM:
		return r->ref && !r->read_only && !r->dynptr ? MEM_RECORD : MEM_OTHER;
	case REG_ARENA:
		return MEM_ARENA;
	case REG_MAP:
		return MEM_MAP;
	case REG_ANYWHERE:
		return MEM_ANYWHERE;
	default:
		return MEM_OTHER;
	}
}

void fact_map(struct vfy *v, int32_t map)
{
	struct vfy_insn *f = &v->out->insn[v->cur->pc];
	struct insn_aux *aux = &v->aux[v->cur->pc];

	if (!aux->map_seen)
		f->map = map;
	else if (f->map != map)
		f->map = -1;
	aux->map_seen = true;
}

void fact_func(struct vfy *v, uint32_t sub)
{
	struct vfy_insn *f = &v->out->insn[v->cur->pc];
	struct insn_aux *aux = &v->aux[v->cur->pc];
	int32_t at = (int32_t)v->sub[sub].start;

	if (!aux->func_seen)
		f->func = at;
	else if (f->func != at)
		f->func = -1;
	aux->func_seen = true;
}

void fact_inner(struct vfy *v, int32_t template)
{
	struct vfy_insn *f = &v->out->insn[v->cur->pc];
	struct insn_aux *aux = &v->aux[v->cur->pc];

	if (!aux->inner_seen)
		f->inner = template;
	else if (f->inner != template)
		f->inner = -1;
	aux->inner_seen = true;
}

bool fact_mem(struct vfy *v, const struct reg *r, int32_t off)
{
	struct vfy_insn *f = &v->out->insn[v->cur->pc];
	struct insn_aux *aux = &v->aux[v->cur->pc];
	int64_t at = (int64_t)r->off + off + (int64_t)r->var.bits.value;
	enum mem_kind kind = kind_of(r);
	/* Another frame's stack has no fixed place from this r10. */
	bool fixed = scalar_is_const(&r->var) && at == (int32_t)at && kind != MEM_ANYWHERE &&
		     (kind != MEM_STACK || r->frame == v->cur->top);

	if (aux->mem_seen && f->mem != kind && (alone((enum mem_kind)f->mem) || alone(kind)))
		return false;
	if (!aux->mem_seen) {
		f->mem = (uint8_t)kind;
		f->fixed_off = fixed;
		f->mem_off = fixed ? (int32_t)at : 0;
	} else {
		if (f->mem == MEM_ANYWHERE || kind == MEM_ANYWHERE)
			f->mem = MEM_ANYWHERE;	/* so that it does not fault on any path */
		else if (f->mem != kind)
			f->mem = MEM_UNKNOWN;
		f->fixed_off = f->fixed_off && fixed && f->mem_off == at && f->mem == kind;
	}
	aux->mem_seen = true;
	if (kind == MEM_MAP_VALUE)
		fact_map(v, (int32_t)r->map);
	return true;
}

void fact_ctx(struct vfy *v, uint32_t off, uint32_t bytes)
{
	if (off + bytes > v->out->ctx_bytes)
		v->out->ctx_bytes = off + bytes;
	if (v->p->type != PROG_KPROBE)
		return;
	for (uint32_t field = off / 8; field <= (off + bytes - 1) / 8; field++)
		fact_ctx_field(v, field);
}

void fact_ctx_field(struct vfy *v, uint32_t field)
{
	if (v->p->type == PROG_KPROBE)
		v->out->ctx_mask |= 1u << field;
}

/* An address becomes a number, which may be read from later: where the context is, or its address. */
void fact_number(struct vfy *v, const struct reg *r)
{
	v->out->by_chance |= is_pointer(r);
	v->out->ctx_escapes |= r->type == REG_CTX || r->type == REG_STACK;
}

/* Does a frame's stack in [lo, hi) from r10 hold the context's address? */
void fact_stack_read(struct vfy *v, const struct frame *f, int lo, int hi)
{
	for (unsigned n = (unsigned)(-hi) / 8; n < f->n_slot && (int)(n * 8) < -lo; n++)
		if (f->slot[n].byte[0] == BYTE_SPILL && is_pointer(&f->slot[n].reg))
			fact_number(v, &f->slot[n].reg);
}

/* A helper gets this value as a number, and may read what is there. */
void fact_address(struct vfy *v, const struct reg *r)
{
	v->out->by_chance |= is_pointer(r);
	if (r->type == REG_CTX)
		v->out->ctx_escapes = true;
	if (r->type == REG_STACK)
		for (uint32_t i = 0; i <= v->cur->top; i++)
			fact_stack_read(v, v->cur->frame[i], -BPFI_STACK_BYTES, 0);
}
