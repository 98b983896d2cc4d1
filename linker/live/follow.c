/* SPDX-License-Identifier: MIT */
#include "follow.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "entry.h"
#include "part.h"
#include "progress.h"

enum { LOOK_NS = 100000000, TOLD = 1000 };
#define HASH_START 14695981039346656037ull	/* FNV-1a */

struct followed {		/* a process */
	struct arena *arena;
	struct stopped s;
	struct live_scope scope;
	struct patch_request patch;	/* with arguments of its own: they note what has a place */
	uint64_t libraries;	/* a hash of what is mapped to be run */
	struct followed *next;
};

struct follow {
	struct arena *arena;
	uint64_t *told;		/* hashes of what was said: many processes may have the same to say */
	size_t n_told, cap_told;
	const struct patch_request *patch;
	struct followed *first;
	struct diags *dg;
};

struct follow *follow_new(struct arena *a, const struct patch_request *patch, struct diags *dg)
{
	struct follow *f = arena_alloc(a, sizeof(*f));

	*f = (struct follow){ .arena = a, .patch = patch, .dg = dg };
	return f;
}

static void forget(struct follow *f, struct followed *gone)
{
	struct followed **at = &f->first;

	while (*at && *at != gone)
		at = &(*at)->next;
	if (*at)
		*at = gone->next;
	if (gone->s.p)
		proc_close(gone->s.p);
	arena_free(gone->arena);
}

/* Opens the process; NULL when it is not there any more. */
static struct followed *add(struct follow *f, int pid, struct diags *dg, int *r)
{
	struct arena *a = arena_new();
	struct followed *n = arena_alloc(a, sizeof(*n));

	*n = (struct followed){ .arena = a, .patch = *f->patch };
	n->s = (struct stopped){ .arena = a, .keep = true, .options = FOLLOW_OPTIONS };
	n->patch.arg = arena_array(a, n->patch.n_arg + 1, sizeof(*n->patch.arg));
	for (size_t i = 0; i < n->patch.n_arg; i++) {
		n->patch.arg[i] = f->patch->arg[i];
		n->patch.arg[i].taken = false;
	}
	*r = proc_open(a, pid, &n->s.p, dg);
	if (*r < 0) {
		arena_free(a);
		return NULL;
	}
	n->next = f->first;
	f->first = n;
	return n;
}

static uint64_t hash(uint64_t h, const void *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		h = (h ^ ((const uint8_t *)p)[i]) * 1099511628211ull;
	return h;
}

static void tell(void *arg, const char *path, const char *text)
{
	struct follow *f = arg;
	uint64_t h = hash(hash(HASH_START, path, strlen(path)), text, strlen(text));

	for (size_t i = 0; i < f->n_told; i++)
		if (f->told[i] == h)
			return;
	if (f->n_told == TOLD)
		return;
	*ARENA_PUSH(f->arena, f->told, f->n_told, f->cap_told) = h;
	diag_warn(f->dg, at_file(path), "%s", text);
}

static uint64_t hash_libraries(struct proc *p)
{
	uint64_t h = HASH_START;

	for (size_t i = 0; i < p->n_map; i++) {
		const uint64_t v[3] = { p->map[i].start, p->map[i].ino, p->map[i].dev };

		if (p->map[i].x && p->map[i].ino)
			h = hash(h, v, sizeof(v));
	}
	return h;
}

/* There is no place for the hooks, but there may be one in what the process becomes. */
static bool not_yet(int r)
{
	return r == -DIAG_P023 || r == -DIAG_P025 || r == -DIAG_P200 || r == -DIAG_P203 || r == -DIAG_P205;
}

/* Where there is no place yet it stands, or goes, as before. */
static int attach(struct follow *f, struct followed *n, struct live_result *out, struct diags *dg)
{
	int r = live_attach_to(n->s.p, &n->s, &n->patch, false, &n->scope, out, dg);

	if (r < 0 && !not_yet(r))
		stop_refused(&n->s);
	n->s.unborn = false;
	if (proc_alive(n->s.p))
		n->libraries = hash_libraries(n->s.p);
	live_tell_refused(out, tell, f);
	return r;
}

/* To what came later; what stands in the way is said, but for its end and places that are not there yet. */
static int attach_later(struct follow *f, struct followed *n)
{
	struct diags quiet = { 0 };
	struct live_result res;
	int r = attach(f, n, &res, &quiet);
	const char *detail = r < 0 ? diags_detail(&quiet) : "";

	if (r < 0)
		stop_release(&n->s);
	if (r < 0 && !not_yet(r) && r != -DIAG_P300)
		tell(f, n->s.p->name, arena_printf(n->arena, "not attached: %s%s%s", diag_text(quiet.first),
						   *detail ? ": " : "", detail));
	return r;
}

int follow_attach(struct follow *f, int pid, struct stopped *stopped, struct live_result *out)
{
	struct diags first = { 0 };
	int r;
	struct followed *n = add(f, pid, f->dg, &r);

	*out = (struct live_result){ 0 };
	if (!n)
		return r;
	if (stopped) {
		n->s.unborn = stopped->unborn;
		stop_add(&n->s, stopped->t[0].tid);
	}
	r = attach(f, n, out, &first);
	out->name = arena_strdup(f->arena, n->s.p->name);
	if (not_yet(r)) {	/* it is traced all the same */
		diag_warn(f->dg, at_file(out->name), "so far: %s", first.first_text);
		r = stop_all(&n->s, f->dg);
		if (r >= 0)
			stop_release(&n->s);
	} else if (r < 0) {
		r = diag(f->dg, first.first, at_file(out->name), "%s", first.first_text);
	}
	if (r < 0) {
		n->s.keep = false;
		forget(f, n);
	}
	return r;
}

static struct followed *find(struct follow *f, int tid, struct stopped_thread **t)
{
	for (struct followed *n = f->first; n; n = n->next)
		for (size_t i = 0; i < n->s.n; i++)
			if (n->s.t[i].tid == tid) {
				*t = &n->s.t[i];
				return n;
			}
	return NULL;
}

static struct followed *find_process(struct follow *f, int pid)
{
	struct followed *n = f->first;

	while (n && n->s.p->pid != pid)
		n = n->next;
	return n;
}

/* A thread or child that came to us by itself: what it runs has the hooks of its parent. */
static struct followed *newcomer(struct follow *f, int tid, struct stopped_thread **t)
{
	long pid = proc_status(tid, "Tgid");
	struct diags quiet = { 0 };
	struct followed *n = pid > 0 ? find_process(f, (int)pid) : NULL;
	int r;

	if (!n && pid > 0) {
		n = add(f, (int)pid, &quiet, &r);
		if (n) {
			struct proc_module *m;
			size_t k;

			m = proc_modules(n->s.p, &k);
			for (size_t i = 0; i < k; i++)
				*ARENA_PUSH(n->arena, n->scope.seen, n->scope.n_seen, n->scope.cap_seen) = m[i].code;
			n->libraries = hash_libraries(n->s.p);
		}
	}
	if (!n)
		return NULL;
	*t = ARENA_PUSH(n->arena, n->s.t, n->s.n, n->s.cap);
	**t = (struct stopped_thread){ .tid = tid };
	return n;
}

/* The process stands at an exec: it is another now. */
static void begin_anew(struct follow *f, struct followed *old, int pid, int main_pid, int *status)
{
	struct diags quiet = { 0 };
	struct followed *n;
	int r, how = 0;

	forget(f, old);
	n = add(f, pid, &quiet, &r);
	if (!n) {	/* a 32-bit program, or it has ended */
		ptrace(PTRACE_DETACH, pid, NULL, NULL);
		return;
	}
	r = entry_reach(n->s.p, STOP_OPTIONS | FOLLOW_OPTIONS, &how, &quiet);
	if (r > 0) {
		if (pid == main_pid)
			*status = how;
		forget(f, n);
		return;
	}
	stop_add(&n->s, pid);
	if (r < 0 || proc_refresh(n->s.p, &quiet) < 0 || attach_later(f, n) < 0)
		stop_release(&n->s);	/* it has no place for the hooks; its children may */
}

/* One report of one thread. */
static void see(struct follow *f, int tid, int status, int main_pid, int *main_status)
{
	struct stopped_thread *t = NULL;
	struct followed *n = find(f, tid, &t);

	if (!n && WIFSTOPPED(status))
		n = newcomer(f, tid, &t);
	if (!WIFSTOPPED(status)) {
		if (tid == main_pid)
			*main_status = status;
		if (!n)
			return;
		*t = n->s.t[--n->s.n];
		if (!n->s.n)
			forget(f, n);
		return;
	}
	if (!n) {
		ptrace(PTRACE_DETACH, tid, NULL, NULL);
		return;
	}
	if (stop_see(t, status) <= 0)
		return;
	if (t->execed)
		begin_anew(f, n, tid, main_pid, main_status);
	else
		stop_go_on(&n->s, t);
}

/* Libraries that were loaded since. */
static void look(struct follow *f)
{
	for (struct followed *n = f->first; n; n = n->next) {
		struct diags quiet = { 0 };

		if (!n->s.n || proc_refresh(n->s.p, &quiet) < 0 || hash_libraries(n->s.p) == n->libraries)
			continue;
		attach_later(f, n);
	}
}

/* An exec that came while threads were being stopped. */
static void see_execs(struct follow *f, int main_pid, int *status)
{
	for (struct followed *n = f->first; n; n = n->next)
		for (size_t i = 0; i < n->s.n; i++)
			if (n->s.t[i].execed && n->s.t[i].stopped) {
				begin_anew(f, n, n->s.t[i].tid, main_pid, status);
				return;
			}
}

static void let_go(struct follow *f, bool keep)
{
	while (f->first) {
		struct followed *n = f->first;
		struct live_detached res;
		struct diags quiet = { 0 };
		int pid = n->s.p->pid;

		n->s.keep = false;
		if (stop_all(&n->s, &quiet) >= 0)
			stop_release(&n->s);
		forget(f, n);
		if (!keep)
			live_detach(f->arena, pid, &res, &quiet);
	}
}

void follow_loop(struct follow *f, int main_pid, bool keep, int *status)
{
	struct timespec wait = { 0, LOOK_NS };
	bool end = false;
	sigset_t set, was;
	int how;

	progress_end();
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, &was);
	*status = -1;
	while (!end && f->first && *status < 0) {
		int tid = waitpid(-1, &how, __WALL | WNOHANG), sig;

		if (tid > 0) {
			see(f, tid, how, main_pid, status);
			see_execs(f, main_pid, status);
			continue;
		}
		sig = sigtimedwait(&set, NULL, &wait);
		if (sig < 0 && errno == EAGAIN)
			look(f);
		end = sig == SIGINT || sig == SIGTERM;
		if (end && main_pid > 0) {	/* the command decides what that means */
			kill(main_pid, sig);
			end = false;
		}
	}
	let_go(f, keep);
	while (main_pid > 0 && *status < 0 && waitpid(main_pid, status, __WALL) < 0 && errno == EINTR)
		;
	sigprocmask(SIG_SETMASK, &was, NULL);
}
