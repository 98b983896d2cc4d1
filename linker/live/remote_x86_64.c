/* SPDX-License-Identifier: MIT */
#include "remote.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ptrace.h>
#include <time.h>

#include "part.h"
#include "stub.h"

enum {
	PAGE = 4096,
	TRIES = 64,		/* signals that come in between, stops that come too early */
	RUN_NS = 20000,		/* that a call may take at first */
	RUN_DOUBLINGS = 13,	/* later: 0.16 s, so ten seconds in all */
};

/* The bytes behind the end of a segment, up to the end of its last page. */
static uint64_t segment_rest(const struct proc *p, const struct proc_module *m)
{
	for (size_t i = 0; i < m->im->eh.e_phnum; i++) {
		const Elf64_Phdr *ph = &m->im->ph[i];
		uint64_t end = m->bias + ph->p_vaddr + ph->p_filesz;
		uint64_t at = (end + 15) & ~15ull, page_end = (end + PAGE - 1) & ~(uint64_t)(PAGE - 1);
		const struct proc_map *map = proc_map_at(p, end - 1);

		if (ph->p_type == PT_LOAD && (ph->p_flags & PF_X) && !(ph->p_flags & PF_W) &&
		    ph->p_filesz && ph->p_memsz == ph->p_filesz && map && map->x && !map->w && !map->shared &&
		    map->end >= page_end && page_end - at >= STUB_BYTES)
			return at;
	}
	return 0;
}

/* The vDSO's section headers: loaded with it, and of use to nobody who runs. */
uint64_t remote_vdso_rest(const struct proc *p)
{
	for (size_t i = 0; i < p->n_map; i++) {
		const struct proc_map *m = &p->map[i];
		uint64_t bytes = m->end - m->start;
		Elf64_Ehdr eh;

		if (strcmp(m->path, "[vdso]") || !m->x || !proc_read(p, m->start, &eh, sizeof(eh)) ||
		    memcmp(eh.e_ident, ELFMAG, SELFMAG) || eh.e_shentsize != sizeof(Elf64_Shdr))
			continue;
		if (eh.e_shoff < bytes && eh.e_shnum * sizeof(Elf64_Shdr) >= STUB_BYTES &&
		    STUB_BYTES <= bytes - eh.e_shoff)
			return m->start + eh.e_shoff;
	}
	return 0;
}

struct cave {
	uint64_t at;	/* 0: none there */
	uint8_t  now[STUB_BYTES];
	uint8_t  clean[STUB_BYTES];	/* without what a killed patcher has left there */
	bool     stub;	/* that is there */
};

/* Bytes of the page that are not in the file are 0. */
static void read_file(const struct proc_module *m, uint64_t at, uint8_t *out)
{
	struct bytes file = m->im->file;

	memset(out, 0, STUB_BYTES);
	for (size_t i = 0; i < m->im->eh.e_phnum; i++) {
		const Elf64_Phdr *ph = &m->im->ph[i];
		uint64_t foff = at - m->bias - ph->p_vaddr + ph->p_offset;

		if (ph->p_type == PT_LOAD && (ph->p_flags & PF_X) && at - m->bias - ph->p_vaddr - ph->p_filesz < PAGE &&
		    foff < file.n)
			memcpy(out, file.p + foff, file.n - foff < STUB_BYTES ? file.n - foff : STUB_BYTES);
	}
}

/* All processes have the same vDSO. */
static void read_vdso(const struct proc *p, uint64_t at, uint8_t *out)
{
	const struct proc_map *m = proc_map_at(p, at);
	const uint8_t *own = (const uint8_t *)getauxval(AT_SYSINFO_EHDR);

	if (own && m)
		memcpy(out, own + (at - m->start), STUB_BYTES);
}

static struct cave look_at(const struct proc *p, uint64_t at, const struct proc_module *m)
{
	struct cave c = { .at = at };

	if (!at || !proc_read(p, at, c.now, sizeof(c.now)))
		return (struct cave){ 0 };
	memcpy(c.clean, c.now, sizeof(c.clean));
	c.stub = stub_is(c.now);
	if (c.stub && m)
		read_file(m, at, c.clean);
	else if (c.stub)
		read_vdso(p, at, c.clean);
	return c;
}

/* Threads that a killed patcher has left in its stub are where it would lead them.  NULL, or one that is
 * in a signal handler, from which it will return to the stub: it has to go on a little. */
static struct stopped_thread *leave_stub(struct stopped *s, const struct cave *c)
{
	for (size_t i = 0; i < s->n; i++) {
		struct stopped_thread *t = &s->t[i];

		if (live_interrupted(s, t, c->at, c->at + STUB_BYTES))
			return t;
		if (t->regs.rip - c->at < STUB_BYTES && stub_finish(c->now, t->regs.rip - c->at, &t->regs)) {
			t->dirty = true;
			stop_put_regs(t);
		}
	}
	return NULL;
}

/* A thread that stands in front of a signal, or whose process is stopped, comes last. */
static struct stopped_thread *choose_thread(struct stopped *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (!s->t[i].sig && s->t[i].regs.orig_rax == UINT64_MAX)
			return &s->t[i];
	for (size_t i = 0; i < s->n; i++)
		if (!s->t[i].sig)
			return &s->t[i];
	return &s->t[0];
}

int remote_begin(struct remote *r, struct stopped *s, const struct proc_module *module,
		 size_t n_module, struct diags *dg)
{
	*r = (struct remote){ .s = s };
	for (size_t i = 0; i <= n_module; i++) {
		const struct proc_module *m = i < n_module ? &module[i] : NULL;
		struct cave c = { 0 };

		if (!m || m->im)
			c = look_at(s->p, m ? segment_rest(s->p, m) : remote_vdso_rest(s->p), m);
		if (!c.at)
			continue;
		r->t = c.stub ? leave_stub(s, &c) : NULL;
		if (r->t) {
			r->cave = 0;
			return 1;
		}
		if (c.stub)
			proc_write(s->p, c.at, c.clean, sizeof(c.clean));
		if (!r->cave) {
			r->cave = c.at;
			memcpy(r->before, c.clean, sizeof(r->before));
		}
	}
	if (!r->cave)
		return diag(dg, DIAG_P304, at_file(s->p->name),
			    "no segment has room behind it for the code that asks for memory");
	r->t = choose_thread(s);
	return 0;
}

/* The thread is where the stub would lead it. */
static void leave(const struct remote *r, const uint8_t *stub)
{
	struct stopped_thread *t = r->t;

	if (!t->stopped || !stub_finish(stub, t->regs.rip - r->cave, &t->regs))
		return;
	t->dirty = true;
	stop_put_regs(t);
}

/* A thread that is stopped before it was given a CPU has not got on at all: where many wait for one, the
 * time grows until it is. */
static void pause_for(unsigned round)
{
	struct timespec t = { 0, RUN_NS << (round < RUN_DOUBLINGS ? round : RUN_DOUBLINGS) };

	nanosleep(&t, NULL);
}

/* Lets the thread run until the call has returned: 1; 0 when a signal came first, in front of which it
 * stands now; -1: it has ended, or does not stop; -2: it has gone its way already. */
static int run_call(struct remote *r, int64_t *result)
{
	struct stopped_thread *t = r->t;

	for (unsigned i = 0; i < TRIES; i++) {
		if (ptrace(PTRACE_CONT, t->tid, NULL, NULL))
			return -1;
		t->stopped = false;
		pause_for(i);
		if (!stop_again(t))
			return -1;
		if (stub_returned(t->regs.rip - r->cave)) {
			*result = (int64_t)t->regs.rax;
			return 1;
		}
		if (t->regs.rip != r->cave)
			return -2;
		if (t->sig)
			return 0;
	}
	return -1;
}

int64_t remote_call(struct remote *r, int nr, const uint64_t arg[6])
{
	struct stopped_thread *t = r->t;

	for (unsigned i = 0; i < TRIES; i++) {
		struct user_regs_struct was;
		uint8_t stub[STUB_BYTES];
		int64_t result = -ESRCH;
		int done;

		if (!stop_settle(t))
			return -ESRCH;
		was = t->regs;
		stub_put(stub, &was);
		if (!proc_write(r->s->p, r->cave, stub, sizeof(stub)))
			return -EIO;
		t->regs.rip = r->cave;
		t->regs.orig_rax = UINT64_MAX;
		t->regs.rax = (uint64_t)nr;
		t->regs.rdi = arg[0];
		t->regs.rsi = arg[1];
		t->regs.rdx = arg[2];
		t->regs.r10 = arg[3];
		t->regs.r8 = arg[4];
		t->regs.r9 = arg[5];
		t->dirty = true;
		if (!stop_put_regs(t))
			return -ESRCH;
		done = run_call(r, &result);
		if (done < 0) {
			leave(r, stub);
			return done == -1 ? -ESRCH : -EAGAIN;
		}
		t->regs = was;
		t->dirty = true;
		if (done)
			return result;
	}
	return -EAGAIN;
}

void remote_end(struct remote *r)
{
	bool away = true;

	if (!r->cave)
		return;
	if (r->t->stopped)
		stop_put_regs(r->t);
	away = r->t->stopped && r->t->regs.rip - r->cave >= STUB_BYTES;
	if (away)	/* else it finds its own way, and the next who comes cleans up */
		proc_write(r->s->p, r->cave, r->before, sizeof(r->before));
	r->cave = 0;
}
