/* SPDX-License-Identifier: MIT
 *
 * sites.c - names, patterns and addresses become places in the image. */
#include "plan.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "cfi.h"
#include "demangle.h"
#include "go_x86_64.h"
#include "record.h"
#include "suggest.h"
#include "syscall_sites.h"

/* The site at vaddr; a new one keeps the order by address. */
static struct site *site_at(struct plan *p, uint64_t vaddr, enum site_kind kind, const char *symbol)
{
	size_t lo = 0, hi = p->n_site;
	struct site *s;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (p->site[mid].vaddr < vaddr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo < p->n_site && p->site[lo].vaddr == vaddr)
		return &p->site[lo];
	ARENA_PUSH(p->im->arena, p->site, p->n_site, p->cap_site);
	s = &p->site[lo];
	memmove(s + 1, s, (p->n_site - 1 - lo) * sizeof(*s));
	*s = (struct site){ .vaddr = vaddr, .kind = kind, .symbol = symbol, .syscall_nr = SYSCALL_ANY };
	return s;
}

/* Adds the hook unless an alias of the same function brought it here already. */
static struct site *attach(struct plan *p, const struct want *w, uint64_t vaddr,
			   enum site_kind kind, const char *symbol)
{
	struct site *s = site_at(p, vaddr, kind, symbol);

	for (size_t i = 0; i < s->n_at && w->at != AT_SYSCALL; i++)
		if (s->at[i].hook == w->hook && s->at[i].ret == w->ret && s->at[i].cookie == w->cookie)
			return s;
	*ARENA_PUSH(p->im->arena, s->at, s->n_at, s->cap_at) = (struct site_attach){
		.hook = w->hook, .ret = w->ret, .cookie = w->cookie, .nr = SYSCALL_ANY };
	s->has_ret |= w->ret && kind != SITE_RETURN;
	return s;
}

/* The extent of the function that holds vaddr: its FDE, or a symbol with a size. */
static void set_function(const struct image *im, struct site *s)
{
	const struct image_fde *f = image_fde_at(im, s->vaddr);
	const struct image_go_fn *go = image_go_fn_at(im, s->vaddr);

	if (go) {
		s->fn_vaddr = go->vaddr;
		s->fn_bytes = go->end - go->vaddr;
		return;
	}
	if (f) {
		s->fn_vaddr = f->vaddr;
		s->fn_bytes = f->bytes;
		return;
	}
	for (size_t lo = 0, hi = im->n_sym; lo < hi;) {
		size_t mid = (lo + hi) / 2;

		if (im->sym[mid].vaddr <= s->vaddr)
			lo = mid + 1;
		else
			hi = mid;
		if (lo >= hi && lo) {
			const struct image_symbol *y = &im->sym[lo - 1];

			if (s->vaddr - y->vaddr < y->bytes || s->vaddr == y->vaddr) {
				s->fn_vaddr = y->vaddr;
				s->fn_bytes = y->bytes;
			}
		}
	}
}

/* Go moves its stacks, so nothing may stand in for a return address. */
static void add_go_returns(struct plan *p, const struct want *w, const struct image_go_fn *fn,
			   const char *name)
{
	uint64_t *ret;
	size_t n;
	const char *why = go_returns(p->im, fn, &ret, &n);

	if (!n) {	/* the reason has to stand somewhere: not at the entry, which may be hooked */
		ret = arena_alloc(p->im->arena, sizeof(*ret));
		ret[n++] = fn->end - 1;
		why = why ? why : "it never returns";
	}
	for (size_t i = 0; i < n; i++) {
		struct site *s = attach(p, w, ret[i], SITE_RETURN, name);

		s->fn_vaddr = fn->vaddr;
		s->fn_bytes = fn->end - fn->vaddr;
		if (why && !s->refused)
			s->refused = why;
	}
}

static void add_function(struct plan *p, const struct want *w, const struct image_symbol *sym,
			 uint64_t vaddr, const char *name)
{
	const struct image_go_fn *fn = w->ret && !w->off_bytes ? image_go_fn_at(p->im, vaddr) : NULL;
	struct site *s;

	if (fn && fn->vaddr == vaddr) {
		add_go_returns(p, w, fn, name);
		return;
	}
	s = attach(p, w, vaddr + w->off_bytes, w->off_bytes ? SITE_OFFSET : SITE_ENTRY, name);
	set_function(p->im, s);
	if (sym && sym->type == STT_GNU_IFUNC)
		s->refused = "an IFUNC: the resolver picks an implementation, hook that by its own name";
}

/* Without a stub the calls go through the GOT slot; plan_make finds them. */
static void add_import(struct plan *p, const struct want *w, const struct image_import *imp)
{
	struct site *s = attach(p, w, imp->stub_vaddr ? imp->stub_vaddr : imp->got_vaddr, SITE_IMPORT,
				imp->name);

	s->import = imp;
	if (w->off_bytes)
		s->refused = "an imported function has no offsets here";
}

struct pattern {
	const char *name;	/* without version */
	const char *version;	/* NULL: any */
	bool glob;
};

/* Go's names have brackets and stars in them: what is a name as it stands means that. */
static bool is_name(const struct image *im, const char *text)
{
	for (size_t i = 0; i < im->n_sym; i++)
		if (!strcmp(im->sym[i].name, text))
			return true;
	return false;
}

static struct pattern parse_pattern(const struct image *im, const char *text)
{
	struct arena *a = im->arena;
	struct pattern p = { .name = text };
	const char *at = strchr(text, '@');

	if (is_name(im, text))
		return p;

	if (at && at != text) {
		p.name = arena_strndup(a, text, (size_t)(at - text));
		p.version = at + strspn(at, "@");
	}
	p.glob = strpbrk(p.name, "*?[") != NULL;
	return p;
}

static bool matches(const struct pattern *p, const char *name, const char *version)
{
	if (p->version && (!version || strcmp(p->version, version)))
		return false;
	return p->glob ? !fnmatch(p->name, name, 0) : !strcmp(p->name, name);
}

static int by_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* What '*' means: functions that have no name left as well. */
struct unnamed {
	struct plan *p;
	const struct want *w;
	uint64_t *stub;		/* sorted; an FDE that holds one is that of a PLT */
	size_t n_stub, next;	/* next: FDE */
	int n;
};

static struct unnamed unnamed_begin(struct plan *p, const struct want *w)
{
	const struct image *im = p->im;
	struct unnamed u = { .p = p, .w = w, .stub = arena_array(im->arena, im->n_import + 1, sizeof(uint64_t)) };

	for (size_t i = 0; i < im->n_import; i++)
		if (im->import[i].stub_vaddr)
			u.stub[u.n_stub++] = im->import[i].stub_vaddr;
	if (u.n_stub)
		qsort(u.stub, u.n_stub, sizeof(*u.stub), by_u64);
	return u;
}

static bool has_stub(const struct unnamed *u, const struct image_fde *f)
{
	size_t lo = 0, hi = u->n_stub;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (u->stub[mid] < f->vaddr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < u->n_stub && u->stub[lo] - f->vaddr < f->bytes;
}

/* A piece of a function that the compiler put elsewhere (".cold"), jumped to with the frame in place.  It is
 * not called, so no pattern means it. */
static bool is_fragment(const struct image *im, uint64_t vaddr)
{
	const struct image_fde *f = image_fde_at(im, vaddr);
	struct cfi_row row;

	return f && f->vaddr == vaddr && cfi_row_at(im, vaddr, &row) && cfi_row_is_inside(&row);
}

/* Adds those in front of vaddr, which has a name.  In the order of addresses nothing has to make room. */
static void add_unnamed(struct unnamed *u, uint64_t vaddr)
{
	const struct image *im = u->p->im;

	for (; u->next < im->n_fde && im->fde[u->next].vaddr <= vaddr; u->next++) {
		uint64_t start = im->fde[u->next].vaddr;

		if (start == vaddr || has_stub(u, &im->fde[u->next]) || is_fragment(im, start))
			continue;
		add_function(u->p, u->w, NULL, start, NULL);
		u->n++;
	}
}

/* One name without arguments may be that of several functions. */
struct overloads {
	const char *text;
	unsigned n;
	uint64_t last_vaddr;
};

static void note_overload(struct overloads *o, struct arena *a, const char *symbol, uint64_t vaddr)
{
	enum { SHOWN = 4 };

	if (o->n && o->last_vaddr == vaddr)	/* aliases are neighbours */
		return;
	o->last_vaddr = vaddr;
	if (o->n++ < SHOWN)
		o->text = o->text ? arena_printf(a, "%s, %s", o->text, demangle(a, symbol, true))
				  : demangle(a, symbol, true);
}

/* What no symbol is called may be a C++ or Rust name; as a pattern only if it is none literally. */
static int find_demangled(struct plan *p, const struct want *w, const struct pattern *pat, bool glob,
			  struct diags *dg)
{
	const struct image *im = p->im;
	struct overloads o = { 0 };
	int n = 0;

	for (size_t i = 0; i < im->n_sym; i++) {
		const struct image_symbol *s = &im->sym[i];

		if (!demangle_matches(s->name, pat->name, glob) || (glob && is_fragment(im, s->vaddr)))
			continue;
		add_function(p, w, s, s->vaddr, s->name);
		note_overload(&o, im->arena, s->name, s->vaddr);
		n++;
	}
	for (size_t i = 0; i < im->n_import; i++) {
		const struct image_import *imp = &im->import[i];

		if (imp->defined || !demangle_matches(imp->name, pat->name, glob))
			continue;
		add_import(p, w, imp);
		note_overload(&o, im->arena, imp->name, imp->got_vaddr);
		n++;
	}
	if (!glob && o.n > 1)
		diag_warn(dg, at_file(im->path), "%s is %u functions, all of them are hooked: %s%s", pat->name,
			  o.n, o.text, o.n > 4 ? ", ..." : "");
	return n || glob || !pat->glob ? n : find_demangled(p, w, pat, true, dg);
}

static int find_named(struct plan *p, const struct want *w, struct diags *dg)
{
	const struct image *im = p->im;
	struct pattern pat = parse_pattern(im, w->symbol);
	bool all = !strcmp(w->symbol, "*");
	struct unnamed u = { 0 };
	int n = 0, n_defined;

	if (all)
		u = unnamed_begin(p, w);

	for (size_t i = 0; i < im->n_sym; i++) {
		const struct image_symbol *s = &im->sym[i];

		if (!matches(&pat, s->name, s->version))
			continue;
		if (all)
			add_unnamed(&u, s->vaddr);
		if (pat.glob && is_fragment(im, s->vaddr))
			continue;
		if (all && s->type == STT_GNU_IFUNC) {	/* the resolver, a function like others */
			add_function(p, w, NULL, s->vaddr, NULL);
			n++;
			continue;
		}
		add_function(p, w, s, s->vaddr, s->name);
		n++;
	}
	if (all) {
		add_unnamed(&u, UINT64_MAX);
		n += u.n;
	}
	n_defined = n;
	/* What is defined here is hooked there: its own stub would count calls twice. */
	for (size_t i = 0; i < im->n_import && !all; i++) {
		if (!matches(&pat, im->import[i].name, im->import[i].version) ||
		    im->import[i].defined || (n_defined && !pat.glob))
			continue;
		add_import(p, w, &im->import[i]);
		n++;
	}
	if (!n)
		n = find_demangled(p, w, &pat, false, dg);
	if (n)
		return n;
	return diag(dg, DIAG_P200, at_file(im->path), "%s is neither defined nor imported here%s",
		    w->symbol, suggest_place(im, pat.name, pat.version));
}

/* Where the code at that offset of the file is mapped; UINT64_MAX: there is none. */
static uint64_t vaddr_of_foff(const struct image *im, uint64_t foff)
{
	for (unsigned i = 0; i < im->eh.e_phnum; i++) {
		const Elf64_Phdr *ph = &im->ph[i];

		if (ph->p_type == PT_LOAD && ph->p_flags & PF_X && foff - ph->p_offset < ph->p_filesz)
			return ph->p_vaddr + (foff - ph->p_offset);
	}
	return UINT64_MAX;
}

static int find_vaddr(struct plan *p, const struct want *w, uint64_t vaddr, struct diags *dg)
{
	const struct image *im = p->im;
	const Elf64_Phdr *ph = image_load_at(im, vaddr);
	enum site_kind kind = SITE_OFFSET;
	const char *name = NULL;
	struct site *s;

	if (!ph || !(ph->p_flags & PF_X) || !image_at(im, vaddr, 1))
		return diag(dg, DIAG_P201, at_file(im->path), "%s0x%llx",
			    w->at == AT_FILE_OFFSET ? "offset " : "", (unsigned long long)w->vaddr);
	for (size_t i = 0; i < im->n_import; i++)
		if (im->import[i].stub_vaddr == vaddr) {
			add_import(p, w, &im->import[i]);
			return 1;
		}
	for (size_t i = 0; i < im->n_sym && !name; i++)
		if (im->sym[i].vaddr == vaddr)
			name = im->sym[i].name;
	for (size_t i = 0; i < im->n_fde && !name; i++)
		if (im->fde[i].vaddr == vaddr)
			kind = SITE_ENTRY;
	if (w->ret && name && image_go_fn_at(im, vaddr)) {
		add_function(p, w, NULL, vaddr, name);
		return 1;
	}
	s = attach(p, w, vaddr, name ? SITE_ENTRY : kind, name);
	set_function(im, s);
	return 1;
}

/* "; it has A, B, C and more (readelf -n)": what to ask for instead. */
static const char *probes_there(const struct plan *p)
{
	const struct usdt_probe *shown[3];
	const char *text = "; it has ";
	struct arena *a = p->im->arena;
	size_t n = 0;
	bool more = false;

	if (!p->n_probe)
		return "; the file has no probes at all";
	for (size_t i = 0; i < p->n_probe && !more; i++) {
		const struct usdt_probe *u = &p->probe[i];
		bool known = false;

		for (size_t k = 0; k < n && !known; k++)
			known = !strcmp(shown[k]->provider, u->provider) && !strcmp(shown[k]->name, u->name);
		more = !known && n == 3;
		if (!known && n < 3)
			shown[n++] = u;
	}
	for (size_t i = 0; i < n; i++)
		text = arena_printf(a, "%s%s%s:%s", text, !i ? "" : i + 1 < n || more ? ", " : " and ",
				    shown[i]->provider, shown[i]->name);
	return more ? arena_printf(a, "%s and more (readelf -n)", text) : text;
}

/* All places of the probes that PROVIDER:NAME matches. */
static int find_usdt(struct plan *p, const struct want *w, struct diags *dg)
{
	struct arena *a = p->im->arena;
	const char *colon = w->symbol ? strchr(w->symbol, ':') : NULL;
	const char *provider = colon ? arena_strndup(a, w->symbol, (size_t)(colon - w->symbol)) : NULL;
	int n = 0;

	if (!colon)
		return diag(dg, DIAG_P203, at_file(p->im->path), "a probe is named provider:name");
	if (!p->probes_read)
		p->n_probe = usdt_read(p->im, &p->probe);
	p->probes_read = true;
	for (size_t i = 0; i < p->n_probe; i++) {
		const struct usdt_probe *u = &p->probe[i];
		struct usdt_spec *spec;
		struct site *s;

		if (fnmatch(provider, u->provider, 0) || fnmatch(colon + 1, u->name, 0))
			continue;
		n++;
		s = attach(p, w, u->vaddr, SITE_USDT, arena_printf(a, "%s:%s", u->provider, u->name));
		set_function(p->im, s);
		if (s->probe && s->probe != u && strcmp(s->probe->args, u->args))
			s->refused = "two probes with different arguments in one place";
		if (s->probe)
			continue;
		spec = arena_alloc(a, sizeof(*spec));
		s->probe = u;
		s->usdt = spec;
		s->refused = usdt_parse_args(a, p->im, u->vaddr, u->args, spec);
	}
	return n ? n : diag(dg, DIAG_P203, at_file(p->im->path), "%s%s", w->symbol, probes_there(p));
}

static int no_syscalls(struct plan *p, const struct want *w, size_t n, struct diags *dg)
{
	const char *lib = NULL;

	for (size_t i = 0; i < p->im->n_needed && !lib; i++)
		if (!strncmp(p->im->needed[i], "libc.", 5) || !strncmp(p->im->needed[i], "ld-musl", 7))
			lib = p->im->needed[i];
	if (n || !lib)
		return diag(dg, DIAG_P205, at_file(p->im->path), "%s: %s", w->symbol,
			    n ? "no instruction makes that call" : "there is no system call instruction");
	return diag(dg, DIAG_P205, at_file(p->im->path), "%s: its system calls are made in %s; patch a copy "
		    "of that: --binary %s -o DIR/%s, and run with LD_LIBRARY_PATH=DIR",
		    w->symbol, lib, lib, lib);
}

/* The instructions that make this call, or may. */
static int find_syscall(struct plan *p, const struct want *w, struct diags *dg)
{
	struct targets *t = plan_targets(p);
	int32_t nr, own;
	size_t n_all;
	const uint64_t *all = targets_syscalls(t, &n_all);
	bool exit;
	int n = 0;

	if (!w->symbol || !syscall_parse(w->symbol, &nr, &exit))
		return diag(dg, DIAG_P205, at_file(p->im->path), "unknown name");
	for (size_t i = 0; i < n_all; i++) {
		struct site_attach *at;
		struct site *s;

		own = syscall_number(p->im, t, all[i]);
		if (nr != SYSCALL_ANY && own != SYSCALL_ANY && nr != own)
			continue;
		s = attach(p, w, all[i], SITE_SYSCALL, w->symbol);
		s->kind = SITE_SYSCALL;
		s->syscall_nr = own;
		set_function(p->im, s);
		if (!s->refused)
			s->refused = syscall_refused(p->im, t, all[i], own);
		at = &s->at[s->n_at - 1];
		at->nr = nr;
		at->sys_exit = exit;
		at->name = w->symbol;
		n++;
	}
	return n ? n : no_syscalls(p, w, n_all, dg);
}

int sites_find(struct plan *p, const struct want *w, struct diags *dg)
{
	if (w->at == AT_USDT)
		return find_usdt(p, w, dg);
	if (w->at == AT_SYSCALL)
		return find_syscall(p, w, dg);
	if (w->at == AT_FILE_OFFSET)
		return find_vaddr(p, w, vaddr_of_foff(p->im, w->vaddr), dg);
	return w->has_vaddr ? find_vaddr(p, w, w->vaddr + w->off_bytes, dg) : find_named(p, w, dg);
}
