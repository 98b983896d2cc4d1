/* SPDX-License-Identifier: MIT */
#include "part.h"

#include <string.h>
#include <sys/syscall.h>
#include <time.h>

#include "progress.h"
#include "rt.h"

enum { TRIES = 20, RETRY_NS = 500000 };

struct detach {
	struct proc *p;
	struct proc_module *module;
	size_t n_module;
	struct live_list list;
	struct stopped stopped;
	struct remote remote;
	struct diags *dg;
};

static int not_ours(const struct detach *d, uint64_t where)
{
	return diag(d->dg, DIAG_P305, at_file(d->p->name), "at 0x%llx is not the jump that was put there",
		    (unsigned long long)where);
}

/* The sites that nothing later lies over are ours, or never were: else nothing is touched. */
static int check(const struct detach *d)
{
	const struct live_found *last = NULL;
	uint64_t where;

	for (size_t i = 0; i < d->list.n; i++)
		if (d->list.found[i].head.state == LIVE_ATTACHED)
			last = &d->list.found[i];
	if (!d->list.n)
		return diag(d->dg, DIAG_P307, at_file(d->p->name), "no hooks of ours are in its memory");
	if (last && live_edits_state(d->p, last->edit, last->n_edit, &where) < 0)
		return not_ours(d, where);
	return 0;
}

static void mark_detached(const struct detach *d, struct live_found *f)
{
	f->head.state = LIVE_DETACHED;
	proc_write(d->p, f->head.self + offsetof(struct livefmt_head, state), &f->head.state,
		   sizeof(f->head.state));
}

/* The last one first: it may have displaced a jump of an earlier one.  Unwinders still need to know of
 * frames that are left. */
static int restore(struct detach *d, struct live_detached *out)
{
	for (size_t i = d->list.n; i-- > 0;) {
		struct live_found *f = &d->list.found[i];
		uint64_t where;
		int state;

		if (f->head.state != LIVE_ATTACHED || f->head.bits & LIVE_UNWIND)
			continue;
		state = live_edits_state(d->p, f->edit, f->n_edit, &where);
		if (state < 0)
			return not_ours(d, where);
		if (state && !live_undo_edits(d->p, f->edit, f->n_edit))
			return diag(d->dg, DIAG_P304, at_file(d->p->name), "its code cannot be written");
		mark_detached(d, f);
		out->n_payload++;
		out->n_site += state ? f->head.n_site : 0;
	}
	return 0;
}

/* An armed slot whose return point is gone from its place belonged to a frame that was left by
 * longjmp, an exception or the end of its thread. */
static bool is_left(const struct proc *p, const struct rt_slot *s)
{
	uint64_t sp = s->state & ~(uint64_t)RT_SLOT_MASK, ra;

	return (s->state & RT_SLOT_MASK) == RT_SLOT_ARMED && sp >> RT_SLOT_LINK_SHIFT == 0 &&
	       (!proc_read(p, sp, &ra, sizeof(ra)) || ra != s->point);
}

static bool slots_free(const struct proc *p, const struct live_found *f)
{
	static struct rt_slot slot[RT_SLOTS];

	if (!f->slots || f->slots < f->head.self + f->head.rx_bytes ||
	    !proc_read(p, f->slots, slot, sizeof(slot)))
		return false;
	for (size_t i = 0; i < RT_SLOTS; i++)
		if ((slot[i].state & 1) && !is_left(p, &slot[i]))
			return false;
	return true;
}

/* Nobody is inside, and nobody will come back to it. */
static bool unused(const struct detach *d, const struct live_found *f)
{
	return !(f->head.bits & LIVE_CALLS) && !(f->head.bits & LIVE_SLOTS && !slots_free(d->p, f)) &&
	       !live_in_use(&d->stopped, f->head.self, f->head.self + f->head.rx_bytes);
}

/* An unwinder need not know of frames that cannot be there any more.  false: it still has to. */
static bool tell_no_more(struct detach *d, struct live_found *f)
{
	uint64_t where;

	if (!(f->head.bits & LIVE_UNWIND) || f->head.state == LIVE_DETACHED)
		return true;
	for (size_t i = 0; i < d->list.n; i++)
		if (d->list.found[i].head.self == f->head.serves && d->list.found[i].kept)
			return false;
	if (live_edits_state(d->p, f->edit, f->n_edit, &where) < 0 ||
	    !live_undo_edits(d->p, f->edit, f->n_edit))
		return false;
	mark_detached(d, f);
	return true;
}

static void unmap(struct detach *d, uint64_t from, uint64_t to)
{
	uint64_t arg[6] = { from, to - from };

	remote_call(&d->remote, SYS_munmap, arg);
}

/* What an earlier detaching had to leave goes as well.  Code of a later payload may jump into an
 * earlier one: where one stays, so do those before it. */
static void unmap_unused(struct detach *d, bool kept, struct live_detached *out)
{
	out->n_kept = 0;
	for (size_t i = d->list.n; i-- > 0;) {
		struct live_found *f = &d->list.found[i];
		struct live_range *r;
		size_t n;

		kept = kept || !tell_no_more(d, f) || !unused(d, f);
		f->kept = kept;
		if (kept) {
			out->n_kept++;
			continue;
		}
		r = live_map_memory(d->p, f, &n);
		while (n-- > 0)
			unmap(d, r[n].from, r[n].to);
		unmap(d, f->head.self, f->head.self + f->head.rx_bytes + f->head.rw_bytes);
	}
}

static int detach_stopped(struct detach *d, bool again, struct live_detached *out)
{
	struct diags quiet = { 0 };
	bool cannot;
	int r;

	if ((r = proc_refresh(d->p, d->dg)) < 0 || (r = live_read(d->p, &d->list, d->dg)) < 0)
		return r;
	cannot = remote_begin(&d->remote, &d->stopped, d->module, d->n_module, &quiet) != 0;
	r = again ? 0 : check(d);
	if (!again && r >= 0)
		r = restore(d, out);
	if (r >= 0)
		unmap_unused(d, cannot, out);
	remote_end(&d->remote);
	return r;
}

/* Sites lead to the payload no more after the first time; who is inside leaves soon. */
static int detach_now(struct detach *d, struct live_detached *out)
{
	struct timespec wait = { 0, RETRY_NS };
	int r = 0;

	for (int i = 0; i < TRIES; i++) {
		progress_step("stopping the threads of %s", d->p->name);
		if ((r = stop_all(&d->stopped, d->dg)) < 0)
			return i ? 0 : r;
		r = detach_stopped(d, i, out);
		stop_release(&d->stopped);
		if (r < 0 || !out->n_kept)
			return r;
		nanosleep(&wait, NULL);
	}
	return r;
}

int live_detach(struct arena *a, int pid, struct live_detached *out, struct diags *dg)
{
	struct detach d = { .dg = dg };
	struct diags quiet = { 0 };
	int r = proc_open(a, pid, &d.p, dg);

	*out = (struct live_detached){ 0 };
	if (r < 0)
		return r;
	out->name = d.p->name;
	out->pid = d.p->pid;
	d.stopped = (struct stopped){ .p = d.p, .arena = a };
	d.module = proc_modules(d.p, &d.n_module);
	if (d.n_module)
		proc_module_read(d.p, &d.module[0], &quiet);
	r = detach_now(&d, out);
	proc_close(d.p);
	return r;
}
