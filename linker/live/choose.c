/* SPDX-License-Identifier: MIT
 *
 * choose.c - which hooks go to which module.
 *
 * A function is hooked where it is defined: in the program, or else in the first library that
 * has it, so that calls from all sides are seen.  Its import in the program comes last.  Addresses and
 * patterns mean the program, or the module that --binary names.  Probes and system calls are looked
 * for in every module. */
#include "part.h"

#include <string.h>
#include <unistd.h>

#include "demangle.h"
#include "file.h"
#include "hooks.h"
#include "progress.h"
#include "reads.h"

struct choice {
	struct proc *p;
	const struct patch_request *req;
	const struct live_list *old;
	struct live_parts *out;
	const char *no_returns;	/* plan_opts */
	struct proc_module **unwinder;
	size_t n_unwinder;
	bool  asked_returns;
	bool *hook_done;	/* of all hooks, in the order of the objects */
	size_t n_hook;
	struct bytes id;	/* of the first module: the built-in hook has its maps by that */
	struct diags *dg;
};

/* Is this the module that --binary names? */
static bool is_named(const struct proc_module *m, const char *name)
{
	size_t n = strlen(name);
	const char *base = path_base(m->path);
	struct stat st;

	if (strchr(name, '/'))
		return !strcmp(name, m->path) ||
		       (!stat(name, &st) && st.st_ino == m->code.ino && st.st_dev == m->code.dev);
	return !strcmp(base, name) || (!strncmp(base, name, n) && !strncmp(base + n, ".so", 3));
}

/* The modules are asked three times, for a name is rather a symbol of a later one than a C++ or Rust
 * name of this one, and rather either than what the program imports. */
enum look { AS_SYMBOL, DEMANGLED, IMPORTED };

/* Does the module define the function?  An IFUNC is no function to hook: its import may be. */
static bool defines(const struct image *im, const char *symbol, bool program, enum look look)
{
	size_t n = strcspn(symbol, "@");

	for (size_t i = 0; i < im->n_sym; i++) {
		const struct image_symbol *s = &im->sym[i];
		bool same = look == DEMANGLED ? demangle_matches(s->name, symbol, false)
					      : !strncmp(s->name, symbol, n) && !s->name[n];

		if (same && (program || s->type != STT_GNU_IFUNC))
			return true;
	}
	return false;
}

/* What the hooks of earlier attaching have changed is what a jump now leads to. */
static void apply_old(const struct choice *c, const struct proc_module *m)
{
	for (size_t i = 0; i < c->old->n; i++) {
		const struct live_found *f = &c->old->found[i];

		for (size_t k = 0; f->head.state == LIVE_ATTACHED && k < f->n_edit; k++) {
			uint64_t off = image_foff(m->im, f->edit[k].at - m->bias);

			if (f->edit[k].kind == LIVE_CODE && f->head.bias == m->bias &&
			    !strcmp(f->path, m->path) && bytes_at(m->im->file, off, f->edit[k].after.n))
				memcpy((uint8_t *)(uintptr_t)m->im->file.p + off, f->edit[k].after.p,
				       f->edit[k].after.n);
		}
	}
}

static int read_module(const struct choice *c, struct proc_module *m, struct diags *dg)
{
	bool fresh = !m->im;
	int r;

	if (fresh)
		progress_step("reading %s", m->path);
	r = proc_module_read(c->p, m, dg);
	if (r >= 0 && fresh) {
		m->id = job_target_id(m->im);
		apply_old(c, m);
	}
	return r;
}

/* Is the want for this module? */
static bool belongs(const struct choice *c, const struct live_part *part, const struct record_want *w,
		    enum look look)
{
	bool home = c->req->binary || part->m->exe;
	uint32_t hook = part->job.first_hook[w->object] + w->hook;

	if (w->at != AT_SYMBOL)
		return look == AS_SYMBOL;
	if (w->has_vaddr || may_be_pattern(w->symbol))
		return home && look == AS_SYMBOL;
	if (c->req->binary)
		return look == AS_SYMBOL;
	if (c->hook_done[hook] && !c->req->n_arg)
		return false;
	return look == IMPORTED ? part->m->exe && !defines(part->m->im, w->symbol, true, AS_SYMBOL)
				: defines(part->m->im, w->symbol, part->m->exe, look);
}

/* An argument is taken when a place for it was found. */
static void mark_args(const struct choice *c, const struct record_want *w)
{
	for (size_t i = 0; i < c->req->n_arg; i++) {
		struct record_want own = { 0 };
		struct attach_arg *a = &c->req->arg[i];
		struct diags quiet = { 0 };

		if (a->at == w->at && a->at == AT_SYMBOL) {
			if (attach_parse_symbol(c->p->arena, a->text, &own, &quiet) < 0)
				continue;
			if (own.has_vaddr == w->has_vaddr && own.vaddr == w->vaddr &&
			    own.off_bytes == w->off_bytes &&
			    (own.has_vaddr || !strcmp(own.symbol, w->symbol)))
				a->taken = true;
		} else if (a->at == w->at) {
			a->taken |= strstr(a->text, w->symbol) != NULL;
		}
	}
}

static bool want_done(const struct choice *c, const struct record_want *w)
{
	bool done = false, asked = false;

	if (w->at != AT_SYMBOL)
		return false;
	for (size_t i = 0; i < c->req->n_arg; i++) {
		struct record_want own = { 0 };
		struct diags quiet = { 0 };

		if (c->req->arg[i].at == AT_SYMBOL &&
		    attach_parse_symbol(c->p->arena, c->req->arg[i].text, &own, &quiet) >= 0 && own.symbol &&
		    w->symbol && !strcmp(own.symbol, w->symbol) && own.off_bytes == w->off_bytes) {
			asked = true;
			done |= c->req->arg[i].taken;
		}
	}
	return asked && done;
}

/* Adds what of the wants belongs here to the plan.  Returns how many sites it has. */
static int find_sites(struct choice *c, struct live_part *part, enum look look)
{
	struct patch_job *j = &part->job;
	bool *taken = arena_array(j->a, j->rec.n_want + 1, sizeof(*taken));
	size_t n = 0;

	for (size_t i = 0; i < j->rec.n_want; i++)
		taken[i] = want_done(c, &j->rec.want[i]);
	for (size_t i = 0; i < j->rec.n_want; i++) {
		const struct record_want *w = &j->rec.want[i];
		struct diags quiet = { 0 };

		if (taken[i] || !belongs(c, part, w, look) || job_find_want(j, w, &quiet) < 0)
			continue;
		c->hook_done[j->first_hook[w->object] + w->hook] = true;
		c->asked_returns |= w->ret;
		mark_args(c, w);
		n++;
	}
	return (int)n;
}

/* A job of its own for the module: objects and wants, no sites yet. */
static int begin_part(struct choice *c, struct proc_module *m, struct live_part *part)
{
	struct diags *quiet = arena_alloc(c->p->arena, sizeof(*quiet));
	struct attach_arg *arg = arena_array(c->p->arena, c->req->n_arg + 1, sizeof(*arg));
	struct patch_job *j = &part->job;
	int r;

	*part = (struct live_part){ .m = m, .job = { .a = c->p->arena, .req = c->req, .dg = c->dg,
						     .im = m->im, .id = c->id } };
	j->rec.dir = c->req->map_dir;
	job_begin(j);
	r = job_add_objects(j);
	if (r < 0)
		return r;
	if (c->req->n_arg)
		memcpy(arg, c->req->arg, c->req->n_arg * sizeof(*arg));
	j->dg = quiet;
	r = job_attach(j, arg, c->req->n_arg);
	j->dg = c->dg;
	if (r < 0)
		return diag(c->dg, quiet->first, at_file(m->path), "%s", quiet->first_text);
	c->n_hook = lnk_n_hooks(j->lnk);
	if (!c->hook_done) {
		c->hook_done = arena_array(c->p->arena, c->n_hook + 1, sizeof(*c->hook_done));
	}
	return 0;
}

/* Is there anything that further modules may have? */
static bool all_done(const struct choice *c, const struct live_part *part)
{
	for (size_t i = 0; i < c->req->n_arg; i++)
		if (!c->req->arg[i].taken || c->req->arg[i].at != AT_SYMBOL)
			return false;
	for (size_t i = 0; i < c->n_hook && !c->req->n_arg; i++) {
		uint8_t kind = lnk_hook(part->job.lnk, i)->row->kind;

		if (!c->hook_done[i] || (kind != HOOK_uprobe && kind != HOOK_uretprobe))
			return false;
	}
	return true;
}

/* An exception that passes a return hook needs unwind data for it, and unwinders know only what the
 * dynamic linker has loaded: one whose search can be hooked is told (unwind_<cpu>.c).  Without an unwinder
 * backtraces end there, and so does the unwinding of a cancelled thread, whose handlers run nevertheless.
 * The C library's own cleanups belong to the latter: it has no exceptions. */
static bool brings_unwinder(const struct image *im)
{
	bool lsda = false, resumes = false, c_library = false;

	for (size_t i = 0; i < im->n_sym; i++) {
		if (!strcmp(im->sym[i].name, "_Unwind_RaiseException"))
			return true;
		c_library |= !strcmp(im->sym[i].name, "__libc_start_main");
	}
	for (size_t i = 0; i < im->n_import; i++) {
		resumes |= !strcmp(im->import[i].name, "_Unwind_Resume");
		c_library |= im->import[i].version && !strcmp(im->import[i].version, "GLIBC_PRIVATE");
	}
	for (size_t i = 0; i < im->n_fde && !lsda; i++)
		lsda = im->fde[i].lsda_vaddr != 0;
	return lsda && !resumes && !c_library && !image_section(im, ".symtab");
}

static void look_for_unwinders(struct choice *c, struct proc_module *module, size_t n)
{
	c->unwinder = arena_array(c->p->arena, n + 1, sizeof(*c->unwinder));
	for (size_t i = 0; i < n && !c->no_returns; i++) {
		struct diags quiet = { 0 };
		const char *why;

		if (read_module(c, &module[i], &quiet) < 0)
			c->no_returns = arena_printf(c->p->arena, "%s, which the process has loaded, cannot be "
						     "read: it may throw exceptions", module[i].path);
		else if (!brings_unwinder(module[i].im))
			continue;
		else if (unwind_hookable(c->p, &module[i], &why))
			c->unwinder[c->n_unwinder++] = &module[i];
		else
			c->no_returns = arena_printf(c->p->arena, "exceptions may pass it, and %s cannot be told of unwind "
						     "data: %s", path_base(module[i].path), why);
	}
}

/* For each part with return hooks, and each unwinder. */
static int add_unwind_parts(const struct choice *c, struct live_parts *unwind)
{
	for (size_t i = 0; i < c->out->n; i++) {
		const struct live_part *part = &c->out->part[i];
		bool calls, slots;

		plan_returns(part->job.plan, &calls, &slots);
		for (size_t k = 0; (calls || slots) && k < c->n_unwinder; k++) {
			int r = unwind_part(c->p, c->unwinder[k], part,
					    ARENA_PUSH(c->p->arena, unwind->part, unwind->n, unwind->cap), c->dg);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

static bool asks_for_returns(const struct live_part *part)
{
	for (size_t i = 0; i < part->job.plan->n_site; i++)
		if (part->job.plan->site[i].has_ret)
			return true;
	return false;
}

static int check_found(const struct choice *c, struct live_part *first, size_t n_module)
{
	struct patch_job *j = &first->job;

	if (c->out->n) {
		for (size_t i = 0; i < c->req->n_arg; i++)
			if (!c->req->arg[i].taken)
				diag_warn(c->dg, at_file(c->p->name), "%s: no place or no program for it",
					  c->req->arg[i].text);
		return 0;
	}
	if (n_module > 1 && !c->req->binary && j->rec.n_want == 1 && j->rec.want[0].at == AT_SYMBOL &&
	    !j->rec.want[0].has_vaddr)
		return diag(c->dg, DIAG_P200, at_file(c->p->name),
			    "%s is defined neither in the program nor in the %zu libraries it has loaded",
			    j->rec.want[0].symbol, n_module - 1);
	return job_find_sites(j);
}

static bool seen(const struct live_scope *scope, const struct proc_map *code)
{
	for (size_t i = 0; scope && i < scope->n_seen; i++)
		if (scope->seen[i].start == code->start && scope->seen[i].ino == code->ino &&
		    scope->seen[i].dev == code->dev)
			return true;
	return false;
}

/* Keeps what this time has found for the next. */
static void keep(const struct choice *c, struct live_scope *scope, const struct proc_module *module,
		 size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!seen(scope, &module[i].code))
			*ARENA_PUSH(c->p->arena, scope->seen, scope->n_seen, scope->cap_seen) = module[i].code;
	scope->hook_done = c->hook_done;
	scope->id = c->id;
}

int live_choose(struct proc *p, struct proc_module *module, size_t n_module,
		const struct patch_request *req, const struct live_list *old, struct live_scope *scope,
		struct live_parts *out, struct live_parts *unwind, struct diags *dg)
{
	struct choice c = { .p = p, .req = req, .old = old, .out = out, .dg = dg };
	struct live_part *all = arena_array(p->arena, n_module + 1, sizeof(*all));
	size_t n = 0;
	int r;

	if (scope) {
		c.hook_done = scope->hook_done;
		c.id = scope->id;
	}
	for (size_t i = 0; i < n_module; i++) {
		struct diags quiet = { 0 };

		if ((req->binary && !is_named(&module[i], req->binary)) || seen(scope, &module[i].code))
			continue;
		r = read_module(&c, &module[i], n ? &quiet : dg);
		if (r < 0 && !n)
			return r;
		if (r < 0)	/* a library that cannot be read has no hooks; nor is it needed */
			continue;
		if (!c.id.n)
			c.id = module[i].id;
		r = begin_part(&c, &module[i], &all[n]);
		if (r < 0)
			return r;
		find_sites(&c, &all[n], AS_SYMBOL);
		if (all_done(&c, &all[n++]))
			break;
	}
	if (scope)
		keep(&c, scope, module, n_module);
	if (!n)
		return diag(dg, DIAG_P302, at_file(p->name), "it has not loaded %s",
			    req->binary ? req->binary : "anything");
	for (size_t i = 0; i < n; i++)
		find_sites(&c, &all[i], DEMANGLED);
	if (all[0].m->exe || req->binary)
		find_sites(&c, &all[0], IMPORTED);
	if (c.asked_returns)
		look_for_unwinders(&c, module, n_module);
	for (size_t i = 0; i < n; i++) {
		struct plan_opts o = req->plan;

		if (!all[i].job.plan->n_site)
			continue;
		o.running = true;
		o.slots_only = true;	/* whether frames are left can be told then */
		o.no_returns = asks_for_returns(&all[i]) ? c.no_returns : NULL;
		r = plan_make(all[i].job.plan, &o, dg);
		if (r < 0 || (r = job_check_cost(&all[i].job)) < 0)
			return r;
		*ARENA_PUSH(p->arena, out->part, out->n, out->cap) = all[i];
	}
	r = add_unwind_parts(&c, unwind);
	if (r < 0)
		return r;
	return check_found(&c, &all[0], n_module);
}
