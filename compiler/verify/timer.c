/* SPDX-License-Identifier: MIT
 *
 * timer.c - bpf_timer_*: the struct bpf_timer of a map value, and functions that are called when its
 * time has come (kernel/bpf/verifier.c, process_timer_func(), push_async_cb()).
 *
 * Such a function is verified once for each map that has a timer which may call it, like a program of its
 * own: nothing of what is known where the timer is set up holds when it runs. */
#include "vfy_call.h"

enum { TIMER_BYTES = 16 };

int check_beside_timer(struct vfy *v, unsigned r, int32_t off, uint64_t bytes)
{
	const struct reg *p = reg_of(v, r);
	int64_t timer, from, to;

	if (p->type != REG_MAP_VALUE || !v->u->map[p->map].timer)
		return 0;
	timer = (int64_t)v->u->map[p->map].timer - 1;
	from = (int64_t)p->off + off + p->var.w.smin;
	to = (int64_t)p->off + off + (int64_t)p->var.w.umax + (int64_t)bytes;
	if (from >= timer + TIMER_BYTES || to <= timer)
		return 0;
	return refuse_reg(v, DIAG_V011, r, "the struct bpf_timer at offset %lld of %s is touched by "
			  "bpf_timer_init and its like only", (long long)timer, v->u->map[p->map].name);
}

int arg_timer(struct vfy *v, struct call *c, unsigned r)
{
	const struct reg *p = reg_of(v, r);
	const struct unit_map *m;

	if (p->type != REG_MAP_VALUE || p->or_null)
		return refuse_reg(v, DIAG_V019, r, "r%u of bpf_%s must point at the struct bpf_timer of a map "
				  "value", r, c->h->name);
	m = &v->u->map[p->map];
	if (!m->timer)
		return refuse_reg(v, DIAG_V019, r, "the values of %s have no struct bpf_timer", m->name);
	if (!scalar_is_const(&p->var))
		return refuse_reg(v, DIAG_V019, r, "the place of the timer must be known");
	if ((int64_t)p->off + (int64_t)p->var.bits.value != (int64_t)m->timer - 1)
		return refuse_reg(v, DIAG_V019, r, "the struct bpf_timer of %s is at offset %u", m->name,
				  m->timer - 1);
	c->timer = p->map;
	return 0;
}

int check_timer_map(struct vfy *v, const struct call *c)
{
	if ((uint32_t)c->map == c->timer)
		return 0;
	return refuse_reg(v, DIAG_V019, 2, "the timer is in a value of %s", v->u->map[c->timer].name);
}

/* Was the function looked at for timers of that map? */
static bool is_known(struct subprog *f, uint32_t map)
{
	for (uint32_t i = 0; i < f->n_timer; i++)
		if (f->timer[i] == map)
			return true;
	return false;
}

int timer_callback(struct vfy *v, const struct call *c)
{
	struct subprog *sub = &v->sub[c->func];
	struct state *body;
	struct frame *f;

	if (!sub->func || !sub->func->btf_id || sub->func->global)
		return refuse(v, DIAG_V039, "%s must be a static function with BTF",
			      sub->func ? sub->func->name : "it");
	if (is_known(sub, c->timer))
		return 0;
	if (sub->n_timer == MAX_TIMER_MAPS)
		return refuse(v, DIAG_V025, "timers of more than %d maps call %s", MAX_TIMER_MAPS,
			      sub->func->name);
	sub->timer[sub->n_timer++] = c->timer;
	body = fork_path(v, sub->start);
	if (!body)
		return -DIAG_V025;
	for (uint32_t i = 0; i <= body->top; i++)
		frame_free(v, body->frame[i]);
	body->top = body->n_ref = body->n_bound = 0;
	body->lock.map = body->lock.id = body->lock.insn = 0;
	f = body->frame[0] = frame_new(v);
	f->call_insn = v->cur->pc;
	f->sub = (uint16_t)c->func;
	f->timer = true;
	frame_counts(v, body, f);
	reg_set_pointer(v, &f->r[BPFI_R10], REG_STACK);
	reg_set_pointer(v, &f->r[1], REG_MAP);
	reg_set_pointer(v, &f->r[2], REG_MAP_KEY);
	reg_set_pointer(v, &f->r[3], REG_MAP_VALUE);
	f->r[1].map = f->r[2].map = f->r[3].map = c->timer;
	if (has_lock(v, &f->r[3]))
		f->r[3].id = ++v->next_id;
	return 0;
}

int leave_timer(struct vfy *v)
{
	const struct reg *r0 = reg_of(v, 0);

	if (r0->type != REG_SCALAR || !scalar_is(&r0->var, 0))
		return refuse_reg(v, DIAG_V030, 0, "what a timer calls returns 0");
	mark_precise(v, r0->def);
	return 1;
}
