/* SPDX-License-Identifier: MIT
 *
 * spin_lock.c - bpf_spin_lock() and bpf_spin_unlock(): one lock at a time, given back on every
 * path, and nothing in between that takes long (kernel/bpf/verifier.c, process_spin_lock()).
 *
 * Values of one map are told apart by their ids: in such maps a value keeps the id that it got
 * when it was looked up.
 *
 * A lock may stay taken: its owner was stopped.  Then the program ends where it asked for it
 * (docs/maps.md).  So unlike in the kernel nothing may be held there that would have to be given
 * back: no record of a ring buffer. */
#include "vfy.h"

enum { LOCK_BYTES = 4 };

int check_unlocked(struct vfy *v, const char *what)
{
	int r;

	if (!v->cur->lock.map)
		return 0;
	r = refuse(v, DIAG_V046, "%s while the lock taken at %u is held", what, v->cur->lock.insn);
	explain_insn(v, v->cur->lock.insn);
	return r;
}

int check_beside_lock(struct vfy *v, unsigned r, int32_t off, uint64_t bytes)
{
	const struct reg *p = reg_of(v, r);
	int64_t lock, from, to;

	if (!has_lock(v, p))
		return 0;
	lock = (int64_t)v->u->map[p->map].lock - 1;
	from = (int64_t)p->off + off + p->var.w.smin;
	to = (int64_t)p->off + off + (int64_t)p->var.w.umax + (int64_t)bytes;
	if (from >= lock + LOCK_BYTES || to <= lock)
		return 0;
	return refuse_reg(v, DIAG_V011, r, "the struct bpf_spin_lock at offset %lld of %s is touched by "
			  "bpf_spin_lock and bpf_spin_unlock only", (long long)lock, v->u->map[p->map].name);
}

/* r points at the lock of a map value. */
static int find_lock(struct vfy *v, unsigned r, const char *name)
{
	const struct reg *p = reg_of(v, r);
	int64_t at = (int64_t)p->off + (int64_t)p->var.bits.value;

	if (p->type != REG_MAP_VALUE || p->or_null)
		return refuse_reg(v, DIAG_V019, r, "r%u of %s must point at the struct bpf_spin_lock of a map "
				  "value", r, name);
	if (!has_lock(v, p))
		return refuse_reg(v, DIAG_V019, r, "the values of %s have no struct bpf_spin_lock",
				  v->u->map[p->map].name);
	if (!scalar_is_const(&p->var))
		return refuse_reg(v, DIAG_V019, r, "the place of the lock must be known");
	if (at != (int64_t)v->u->map[p->map].lock - 1)
		return refuse_reg(v, DIAG_V019, r, "the struct bpf_spin_lock of %s is at offset %u",
				  v->u->map[p->map].name, v->u->map[p->map].lock - 1);
	fact_map(v, (int32_t)p->map);
	return 0;
}

/* Iterators over numbers are forgotten without harm. */
int check_no_records(struct vfy *v, const char *what)
{
	const struct state *s = v->cur;

	for (uint32_t i = 0; i < s->n_ref; i++) {
		const struct helper_proto *k = called_kfunc(v, &v->insn[s->ref[i].insn]);
		int r;

		if (k && k->arg[0] == ARG_ITER_NUM)
			continue;
		r = refuse(v, DIAG_V046, "%s, but what was acquired at %u has not been given back", what,
			   s->ref[i].insn);
		explain_insn(v, s->ref[i].insn);
		return r;
	}
	return 0;
}

int spin_lock(struct vfy *v, unsigned r, bool take)
{
	struct state *s = v->cur;
	const struct reg *p;
	int e;

	if ((e = find_lock(v, r, take ? "bpf_spin_lock" : "bpf_spin_unlock")) < 0)
		return e;
	p = reg_of(v, r);
	if (take) {
		if ((e = check_unlocked(v, "bpf_spin_lock")) < 0 || (e = check_no_records(v, "bpf_spin_lock")) < 0)
			return e;
		s->lock.map = p->map + 1;
		s->lock.id = p->id;
		s->lock.insn = s->pc;
		return 0;
	}
	if (!s->lock.map)
		return refuse_reg(v, DIAG_V046, r, "bpf_spin_unlock of a lock that is not held");
	if (s->lock.map != p->map + 1 || s->lock.id != p->id)
		return refuse_reg(v, DIAG_V046, r, "bpf_spin_unlock of another lock than the one taken at %u",
				  s->lock.insn);
	s->lock.map = s->lock.id = s->lock.insn = 0;
	return 0;
}
