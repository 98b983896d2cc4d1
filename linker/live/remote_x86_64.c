/* SPDX-License-Identifier: MIT */
#include "remote.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "emit_x86_64.h"

enum {
	PAGE = 4096, SYSCALL_BYTES = 2, RED_ZONE = 128,
	TRIES = 64,		/* signals that come in between */
	NR_RESTART = 219,
	/* include/linux/errno.h of the kernel: what a call that is to be restarted has returned */
	K_ERESTARTSYS = 512, K_ERESTARTNOINTR = 513, K_ERESTARTNOHAND = 514, K_ERESTART_BLOCK = 516,
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
		    map->end >= page_end && page_end - at >= REMOTE_CAVE_BYTES)
			return at;
	}
	return 0;
}

/* The vDSO's section headers: loaded with it, and of use to nobody who runs. */
static uint64_t vdso_rest(const struct proc *p)
{
	for (size_t i = 0; i < p->n_map; i++) {
		const struct proc_map *m = &p->map[i];
		uint64_t bytes = m->end - m->start;
		Elf64_Ehdr eh;

		if (strcmp(m->path, "[vdso]") || !m->x || !proc_read(p, m->start, &eh, sizeof(eh)) ||
		    memcmp(eh.e_ident, ELFMAG, SELFMAG) || eh.e_shentsize != sizeof(Elf64_Shdr))
			continue;
		if (eh.e_shoff < bytes && eh.e_shnum * sizeof(Elf64_Shdr) >= REMOTE_CAVE_BYTES &&
		    REMOTE_CAVE_BYTES <= bytes - eh.e_shoff)
			return m->start + eh.e_shoff;
	}
	return 0;
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
	for (size_t i = 0; i < n_module && !r->cave; i++)
		if (module[i].im)
			r->cave = segment_rest(s->p, &module[i]);
	if (!r->cave)
		r->cave = vdso_rest(s->p);
	if (!r->cave || !proc_read(s->p, r->cave, r->before, sizeof(r->before)))
		return diag(dg, DIAG_P304, at_file(s->p->name),
			    "no segment has room behind it for the code that asks for memory");
	r->t = choose_thread(s);
	return 0;
}

static void put_reg(struct code *c, unsigned reg, uint64_t v)
{
	PUT(c, (uint8_t)(0x48 | (reg >= 8 ? 1 : 0)), (uint8_t)(0xb8 | (reg & 7)));
	put64(c, v);
}

/* Goes on where `u` stands.  A call that was interrupted begins anew, as the kernel would have
 * it where no signal is waiting. */
static void put_way_back(struct code *c, struct user_regs_struct u)
{
	if ((int64_t)u.orig_rax >= 0) {
		switch (-(int64_t)u.rax) {
		case K_ERESTARTSYS: case K_ERESTARTNOINTR: case K_ERESTARTNOHAND:
			u.rax = u.orig_rax;
			u.rip -= SYSCALL_BYTES;
			break;
		case K_ERESTART_BLOCK:
			u.rax = NR_RESTART;
			u.rip -= SYSCALL_BYTES;
			break;
		default:
			break;
		}
	}
	PUT(c, 0x48, 0x8d, 0x64, 0x24, (uint8_t)-RED_ZONE);	/* lea -128(%rsp), %rsp */
	PUT(c, 0x68);						/* push $flags */
	put32(c, (uint32_t)u.eflags);
	PUT(c, 0x9d);						/* popfq */
	PUT(c, 0x48, 0x8d, 0xa4, 0x24);				/* lea 128(%rsp), %rsp */
	put32(c, RED_ZONE);
	put_reg(c, 0, u.rax);
	put_reg(c, 1, u.rcx);
	put_reg(c, 2, u.rdx);
	put_reg(c, 6, u.rsi);
	put_reg(c, 7, u.rdi);
	put_reg(c, 8, u.r8);
	put_reg(c, 9, u.r9);
	put_reg(c, 10, u.r10);
	put_reg(c, 11, u.r11);
	PUT(c, 0xff, 0x25, 0, 0, 0, 0);				/* jmp *0(%rip) */
	put64(c, u.rip);
}

static bool write_stub(struct remote *r, const struct user_regs_struct *u)
{
	uint8_t buf[REMOTE_CAVE_BYTES];
	struct code c = { buf, 0, sizeof(buf), r->cave, false };

	memcpy(buf, r->before, sizeof(buf));
	PUT(&c, 0x0f, 0x05);
	put_way_back(&c, *u);
	return proc_write(r->s->p, r->cave, buf, sizeof(buf));
}

/* Lets the thread run until the call has returned: 1; 0 when a signal came first, in front of which it
 * stands now; -1: it has ended. */
static int run_call(struct remote *r, int64_t *result)
{
	struct stopped_thread *t = r->t;
	unsigned calls = 0;

	for (;;) {
		struct user_regs_struct u;
		int status;

		t->stopped = false;
		if (ptrace(PTRACE_SYSCALL, t->tid, NULL, NULL))
			return -1;
		status = stop_wait(t);
		if (status < 0)
			return -1;
		if (status >> 16)	/* asked to stop once more */
			continue;
		if (WSTOPSIG(status) != (SIGTRAP | 0x80)) {
			t->sig = WSTOPSIG(status);
			return 0;
		}
		if (++calls < 2)
			continue;
		if (ptrace(PTRACE_GETREGS, t->tid, NULL, &u))
			return -1;
		*result = (int64_t)u.rax;
		t->at_call = true;
		return 1;
	}
}

int64_t remote_call(struct remote *r, int nr, const uint64_t arg[6])
{
	struct stopped_thread *t = r->t;

	for (unsigned i = 0; i < TRIES; i++) {
		struct user_regs_struct was, u;
		int64_t result = -ESRCH;
		int done;

		if (!stop_settle(t))
			return -ESRCH;
		was = u = t->regs;
		if (!write_stub(r, &was))
			return -EIO;
		u.rip = r->cave;
		u.orig_rax = UINT64_MAX;
		u.rax = (uint64_t)nr;
		u.rdi = arg[0];
		u.rsi = arg[1];
		u.rdx = arg[2];
		u.r10 = arg[3];
		u.r8 = arg[4];
		u.r9 = arg[5];
		if (ptrace(PTRACE_SETREGS, t->tid, NULL, &u))
			return -ESRCH;
		done = run_call(r, &result);
		if (done < 0)
			return -ESRCH;
		t->regs = was;
		t->dirty = true;
		if (done)
			return result;
	}
	return -EAGAIN;
}

void remote_end(struct remote *r)
{
	if (r->t)
		stop_settle(r->t);
	if (r->cave)
		proc_write(r->s->p, r->cave, r->before, sizeof(r->before));
}
