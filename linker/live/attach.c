/* SPDX-License-Identifier: MIT
 *
 * attach.c - the steps, and the way back while there is one. */
#include "part.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#include "place.h"
#include "progress.h"
#include "seccomp.h"

enum {
	PAGE = 4096,
	TRIES = 400,		/* a thread stands badly, or somebody else took the addresses */
	RETRY_NS = 500000,
};

struct attach {
	struct proc *p;
	struct proc_module *module;
	size_t n_module;
	struct live_parts parts, unwind;
	struct live_part **all;	/* both, in the order of writing: who unwinds knows of hooks first */
	size_t n_all;
	struct live_list old;
	struct stopped *stopped;
	struct remote remote;
	struct live_scope *scope;
	bool entered;	/* threads go on in the trampolines */
	struct diags *dg;
};

/* What must be reached: the module, and what an earlier payload made of it. */
static void reach_of(const struct attach *at, const struct live_part *part, uint64_t *lo, uint64_t *hi)
{
	const struct image *im = part->job.im;

	*lo = part->m->code.start;
	*hi = part->m->bias + im->vaddr_end;
	for (size_t i = 0; i < im->eh.e_phnum; i++)
		if (im->ph[i].p_type == PT_LOAD && part->m->bias + im->ph[i].p_vaddr < *lo)
			*lo = part->m->bias + im->ph[i].p_vaddr;
	for (size_t i = 0; i < at->old.n; i++) {
		const struct livefmt_head *h = &at->old.found[i].head;

		if (h->state != LIVE_ATTACHED || strcmp(at->old.found[i].path, part->m->path))
			continue;
		*lo = h->self < *lo ? h->self : *lo;
		*hi = h->self + h->rx_bytes > *hi ? h->self + h->rx_bytes : *hi;
	}
}

static uint32_t next_seq(const struct attach *at)
{
	return at->old.n ? at->old.found[at->old.n - 1].head.seq + 1 : 1;
}

static int by_start(const void *a, const void *b)
{
	const struct proc_map *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* Addresses for a part that has none, and what it holds there. */
static int place_part(struct attach *at, struct live_part *part, struct proc_map *map, size_t *n)
{
	uint64_t lo, hi;

	if (part->mapped)
		return 0;
	reach_of(at, part, &lo, &hi);
	part->at = place_find(map, *n, lo, hi, live_bytes(part));
	if (!part->at)
		return diag(at->dg, DIAG_P306, at_file(part->m->path), "%llu bytes for the payload within 2 GiB",
			    (unsigned long long)live_bytes(part));
	map[(*n)++] = (struct proc_map){ .start = part->at, .end = part->at + live_bytes(part), .path = "" };
	qsort(map, *n, sizeof(*map), by_start);
	return 0;
}

/* The parts for unwinders say where the others are. */
static int place_parts(struct attach *at)
{
	struct proc *p = at->p;
	size_t n = p->n_map;
	struct proc_map *map = arena_array(p->arena, n + at->n_all + 1, sizeof(*map));
	uint32_t seq = next_seq(at);
	int r = 0;

	memcpy(map, p->map, n * sizeof(*map));
	for (size_t i = at->unwind.n; r >= 0 && i < at->n_all; i++) {
		struct live_part *part = at->all[i];
		bool fresh = !part->mapped;

		r = place_part(at, part, map, &n);
		if (r >= 0 && fresh)
			r = live_build(part, seq + (uint32_t)i, at->dg);
	}
	for (size_t i = 0; r >= 0 && i < at->unwind.n; i++) {
		struct live_part *part = &at->unwind.part[i];
		bool fresh = !part->mapped;

		r = place_part(at, part, map, &n);
		if (r >= 0 && fresh)
			r = unwind_build(part, seq + (uint32_t)i, at->dg);
	}
	return r;
}

/* The modules are where they were when it was planned: the process has not executed something else. */
static int check_modules(const struct attach *at)
{
	for (size_t i = 0; i < at->n_all; i++) {
		const struct proc_module *module = at->all[i]->m;
		const struct proc_map *m = proc_map_at(at->p, module->code.start);

		if (!m || m->ino != module->code.ino || m->dev != module->code.dev || !m->x)
			return diag(at->dg, DIAG_P302, at_file(at->p->name), "%s is gone meanwhile", module->path);
	}
	return 0;
}

/* The code is what was planned for, and nobody else has put anything there. */
static int check_code(const struct attach *at)
{
	uint64_t where;
	int r = check_modules(at);

	for (size_t i = 0; r >= 0 && i < at->n_all; i++) {
		const struct live_part *part = at->all[i];

		if (live_edits_state(at->p, part->edit, part->n_edit, &where))
			return diag(at->dg, DIAG_P305, at_file(at->p->name),
				    "at 0x%llx it differs from %s: a debugger, or another tool of this kind",
				    (unsigned long long)where, part->m->path);
	}
	return r;
}

static int no_memory(const struct attach *at, int64_t err)
{
	return diag(at->dg, DIAG_P304, at_file(at->p->name), "mmap in it: %s", strerror((int)-err));
}

static int not_writable(const struct attach *at)
{
	return diag(at->dg, DIAG_P304, at_file(at->p->name), "its memory cannot be written");
}

static void unmap(struct attach *at, struct live_part *part)
{
	uint64_t arg[6] = { part->at, live_bytes(part) };

	if (part->mapped)
		remote_call(&at->remote, SYS_munmap, arg);
	part->mapped = false;
}

/* Pages that are all zero stay untouched: init maps files over some of them. */
static bool write_page(const struct proc *p, uint64_t at, struct bytes b, size_t off)
{
	static const uint8_t zero[PAGE];
	size_t n = b.n - off < PAGE ? b.n - off : PAGE;

	return !memcmp(b.p + off, zero, n) || proc_write(p, at + off, b.p + off, n);
}

/* The first page first: once the head is there a later patcher finds what a killed one has left.  Then from the
 * last one on: the record is complete when its start is there. */
static bool write_pages(const struct proc *p, uint64_t at, struct bytes b)
{
	bool ok = !b.n || write_page(p, at, b, 0);

	for (size_t off = (b.n + PAGE - 1) / PAGE * PAGE; ok && off > PAGE;)
		ok = write_page(p, at, b, off -= PAGE);
	return ok;
}

/* Whether a call did it whose result is not known. */
static bool is_mapped(const struct attach *at, const struct live_part *part)
{
	const struct proc_map *m = proc_refresh(at->p, at->dg) < 0 ? NULL : proc_map_at(at->p, part->at);

	return m && m->start == part->at && m->end == part->at + live_bytes(part) && m->x && !m->w && !m->ino;
}

/* 0; 1: the addresses are taken by now; or a diagnostic. */
static int map_part(struct attach *at, struct live_part *part)
{
	uint64_t map[6] = { part->at, live_bytes(part), PROT_READ | PROT_EXEC,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, (uint64_t)-1, 0 };
	uint64_t rights[6] = { part->at + part->rx_bytes, part->rw_bytes, PROT_READ | PROT_WRITE };
	uint64_t other[6] = { 0, live_bytes(part) };
	int64_t r;

	if (part->mapped)
		return 0;
	r = remote_call(&at->remote, SYS_mmap, map);
	if (r == -EAGAIN && is_mapped(at, part))
		r = (int64_t)part->at;
	if (r == -EEXIST || r == -EAGAIN)
		return 1;
	if (r < 0 && r > -PAGE)
		return no_memory(at, r);
	if ((uint64_t)r != part->at) {	/* a kernel before 4.17 */
		other[0] = (uint64_t)r;
		remote_call(&at->remote, SYS_munmap, other);
		return 1;
	}
	part->mapped = true;
	if (!write_pages(at->p, part->at, part->rx))
		return not_writable(at);
	r = part->rw_bytes ? remote_call(&at->remote, SYS_mprotect, rights) : 0;
	if (r)
		return no_memory(at, r);
	return write_pages(at->p, part->at + part->rx_bytes, part->rw) ? 0 : not_writable(at);
}

static int map_parts(struct attach *at)
{
	int r = 0;

	for (size_t i = 0; i < at->n_all && !r; i++)
		r = map_part(at, at->all[i]);
	return r;
}

static int write_sites(struct attach *at)
{
	for (size_t i = 0; i < at->n_all; i++) {
		struct live_part *part = at->all[i];

		at->entered = true;
		live_move_threads(at->stopped, part);
		if (live_write_edits(at->p, part->edit, part->n_edit))
			continue;
		while (i-- > 0)
			live_undo_edits(at->p, at->all[i]->edit, at->all[i]->n_edit);
		return diag(at->dg, DIAG_P304, at_file(at->p->name), "the code of %s cannot be written", part->m->path);
	}
	return 0;
}

static int begin_calls(struct attach *at)
{
	return remote_begin(&at->remote, at->stopped, at->module, at->n_module, at->dg);
}

/* With all threads stopped.  0: done; 1: not this time; or a diagnostic. */
static int attach_stopped(struct attach *at, int *tid)
{
	int r = proc_refresh(at->p, at->dg);

	*tid = 0;
	if (r < 0 || (r = check_code(at)) < 0)
		return r;
	r = begin_calls(at);
	*tid = r > 0 ? at->remote.t->tid : 0;
	for (size_t i = 0; !r && i < at->stopped->n; i++)
		r = seccomp_check(at->stopped, &at->stopped->t[i], at->remote.cave + STUB_CALL_BYTES, at->dg);
	if (!r)
		r = map_parts(at);
	remote_end(&at->remote);	/* no way back that is laid already leads into what is changed now */
	for (size_t i = 0; !r && i < at->n_all; i++) {
		*tid = live_check_threads(at->stopped, at->all[i]);
		r = *tid != 0;
	}
	return r ? r : write_sites(at);
}

/* Nothing of ours stays, but what a thread may be inside by now. */
static void take_back(struct attach *at)
{
	bool any = false;

	for (size_t i = 0; i < at->n_all && !at->entered; i++)
		any |= at->all[i]->mapped;
	if (!any || begin_calls(at))
		return;
	for (size_t i = 0; i < at->n_all; i++)
		unmap(at, at->all[i]);
	remote_end(&at->remote);
}

static int attach_now(struct attach *at)
{
	struct timespec wait = { 0, RETRY_NS };
	int tid = 0, r = 0;

	for (int i = 0; i < TRIES; i++) {
		progress_step("stopping the threads of %s", at->p->name);
		if ((r = proc_refresh(at->p, at->dg)) < 0 || (r = check_modules(at)) < 0 ||
		    (r = place_parts(at)) < 0 || (r = stop_all(at->stopped, at->dg)) < 0)
			return r;
		r = attach_stopped(at, &tid);
		if (r <= 0)
			progress_end();	/* a command that is started now may have the same terminal */
		if (r < 0 || (r > 0 && i + 1 == TRIES)) {
			take_back(at);
			stop_refused(at->stopped);
		} else {
			stop_release(at->stopped);
		}
		if (r <= 0)
			return r;
		nanosleep(&wait, NULL);
	}
	return tid ? diag(at->dg, DIAG_P303, at_file(at->p->name),
			  "thread %d stays in the middle of what has to change", tid)
		   : diag(at->dg, DIAG_P306, at_file(at->p->name), "others take them first");
}

static void report(const struct attach *at, struct live_result *out)
{
	for (size_t i = 0; i < at->parts.n; i++) {
		struct live_part *part = &at->parts.part[i];

		*ARENA_PUSH(at->p->arena, out->module, out->n, out->cap) =
			(struct live_module){ part->m->path, part->job.plan, live_bytes(part) };
		out->n_patched += part->job.plan->n_patched;
		out->n_refused += part->job.plan->n_refused;
	}
	out->name = at->p->name;
	out->pid = at->p->pid;
}

/* A module of which nothing is patched needs no payload. */
static int order_parts(struct attach *at)
{
	at->all = arena_array(at->p->arena, at->unwind.n + at->parts.n + 1, sizeof(*at->all));
	for (size_t i = 0; i < at->unwind.n; i++)
		at->all[at->n_all++] = &at->unwind.part[i];
	for (size_t i = 0; i < at->parts.n; i++)
		if (at->parts.part[i].job.plan->n_patched)
			at->all[at->n_all++] = &at->parts.part[i];
	return at->n_all ? 0 : job_nothing_patched(&at->parts.part[0].job);
}

/* The runtime uses a directory of the process's own user, or makes one; else its maps have no files. */
static void check_map_dir(const struct attach *at, const char *dir)
{
	struct arena *a = at->p->arena;
	char *path = dir ? arena_printf(a, "/proc/%d/root%s", at->p->pid, dir) : NULL, *slash;
	struct stat st;

	if (!path || (!stat(path, &st) && st.st_uid == at->p->uid))
		return;
	if (stat(path, &st)) {
		slash = strrchr(path, '/');
		*slash = 0;
		if (!stat(path, &st) && (at->p->uid == 0 || (st.st_uid == at->p->uid && st.st_mode & S_IWUSR) ||
					 st.st_mode & S_IWOTH))
			return;
	}
	diag_warn(at->dg, at_file(at->p->name), "it runs as another user, who cannot use %s: its maps will be private; "
		  "without a directory they are in /dev/shm/bpftime-%u", dir, at->p->uid);
}

static int attach_to(struct attach *at, const struct patch_request *patch, bool plan_only,
		     struct live_result *out)
{
	int r;

	at->module = proc_modules(at->p, &at->n_module);
	if ((r = live_read(at->p, &at->old, at->dg)) < 0 ||
	    (r = live_choose(at->p, at->module, at->n_module, patch, &at->old, at->scope,
			     &at->parts, &at->unwind, at->dg)) < 0)
		return r;
	report(at, out);
	if ((r = order_parts(at)) < 0)
		return r;
	check_map_dir(at, patch->map_dir);
	for (size_t i = at->unwind.n; i < at->n_all; i++)
		if ((r = live_size(at->all[i], at->dg)) < 0)
			return r;
	*out = (struct live_result){ 0 };
	report(at, out);
	return plan_only ? 0 : attach_now(at);
}

int live_attach_to(struct proc *p, struct stopped *stopped, const struct patch_request *patch, bool plan_only,
		   struct live_scope *scope, struct live_result *out, struct diags *dg)
{
	struct attach at = { .p = p, .stopped = stopped, .scope = scope, .dg = dg };

	*out = (struct live_result){ 0 };
	return attach_to(&at, patch, plan_only, out);
}

int live_attach(struct arena *a, const struct live_request *req, bool plan_only,
		struct live_result *out, struct diags *dg)
{
	struct stopped stopped = { .arena = a };
	int r = proc_open(a, req->pid, &stopped.p, dg);

	*out = (struct live_result){ 0 };
	if (r < 0)
		return r;
	r = live_attach_to(stopped.p, &stopped, req->patch, plan_only, NULL, out, dg);
	proc_close(stopped.p);
	return r;
}
