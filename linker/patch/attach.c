/* SPDX-License-Identifier: MIT */
#include "attach.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "file.h"
#include "hooks.h"
#include "syscall_sites.h"

/* A whole number, decimal or 0x..; false when anything follows it. */
static bool number(const char *s, uint64_t *out)
{
	char *end;

	if (*s < '0' || *s > '9')
		return false;
	errno = 0;
	*out = strtoull(s, &end, 0);
	return !*end && !errno;
}

int attach_parse_symbol(struct arena *a, const char *text, struct record_want *w,
			struct diags *dg)
{
	const char *plus = strrchr(text, '+');

	if (text[0] >= '0' && text[0] <= '9') {
		w->at = AT_FILE_OFFSET;
		w->has_vaddr = number(text, &w->vaddr);
		return w->has_vaddr ? 0
				    : diag(dg, DIAG_U001, at_file(text),
					   "an offset in the file is written 0x1000");
	}
	if (text[0] == '@') {
		w->has_vaddr = number(text + 1, &w->vaddr);
		return w->has_vaddr ? 0
				    : diag(dg, DIAG_U001, at_file(text),
					   "an address is written @0x401000");
	}
	if (plus && plus != text && number(plus + 1, &w->off_bytes)) {
		w->symbol = arena_strndup(a, text, (size_t)(plus - text));
		return 0;
	}
	if (!*text)
		return diag(dg, DIAG_U001, at_file("--uprobe"), "an empty name");
	w->symbol = arena_strdup(a, text);
	return 0;
}

static bool is_this_binary(const struct image *im, const char *path)
{
	struct stat st;

	if (strchr(path, '/') && !stat(path, &st))
		return st.st_dev == im->st.st_dev && st.st_ino == im->st.st_ino;
	return !strcmp(path_base(path), path_base(im->path)) ||
	       (im->soname && !strcmp(path_base(path), im->soname));
}

/* Does the binary need this library?  "libssl.so.3", a path to it, or "libssl". */
static bool is_needed(const struct image *im, const char *path)
{
	const char *base = path_base(path);
	size_t n = strlen(base);

	for (size_t i = 0; i < im->n_needed; i++)
		if (!strcmp(im->needed[i], base) ||
		    (!strncmp(im->needed[i], base, n) && !strncmp(im->needed[i] + n, ".so", 3)))
			return true;
	return false;
}

struct spec {		/* a SEC() name behind its prefix */
	const char *path;	/* NULL: none */
	struct record_want at;	/* symbol, off_bytes or vaddr */
	bool other;		/* a tracepoint of the kernel */
	bool follows, follows_ret;	/* @uprobe, @uretprobe: wherever that option asks for */
};

static bool is_probe_name(const char *s)
{
	const char *colon = strchr(s, ':');

	return colon && colon != s && colon[1] && !strchr(colon + 1, ':');
}

/* "PATH:provider:name" */
static int parse_usdt(struct arena *a, const char *sec, const char *rest, struct spec *out,
		      struct diags *dg)
{
	const char *colon = strchr(rest, ':');

	if (!*rest)
		return 0;
	if (!colon || colon == rest || !is_probe_name(colon + 1))
		return diag(dg, DIAG_U001, at_file(sec), "a probe is written usdt/PATH:provider:name");
	out->path = arena_strndup(a, rest, (size_t)(colon - rest));
	out->at.symbol = arena_strdup(a, colon + 1);
	out->at.at = AT_USDT;
	return 1;
}

/* "syscalls/sys_enter_NAME", "raw_syscalls/sys_enter"; of a raw tracepoint "sys_enter".  Other
 * tracepoints are the kernel's: 0. */
static int parse_syscall(struct arena *a, const char *sec, bool raw, const char *rest,
			 struct spec *out, struct diags *dg)
{
	size_t n = strcspn(rest, "/:");
	int32_t nr;
	bool exit;

	out->other = *rest;
	if (!raw && (strncmp(rest, "syscalls", n) || n != 8) && (strncmp(rest, "raw_syscalls", n) || n != 12))
		return 0;
	rest += raw ? 0 : n + !!rest[n];
	if (raw && strcmp(rest, "sys_enter") && strcmp(rest, "sys_exit"))
		return 0;
	if (!syscall_parse(rest, &nr, &exit))
		return diag(dg, DIAG_U001, at_file(sec), "no such system call: %s", rest);
	out->other = false;
	out->at.symbol = arena_strdup(a, rest);
	out->at.at = AT_SYSCALL;
	return 1;
}

/* "PATH:sym+off", "sym", ":sym"; a colon pair belongs to a C++ name.
 * Returns 1 when it names a place, 0 when it is empty, or a negative diagnostic. */
static int parse_spec(struct arena *a, const char *sec, enum hook_kind kind, struct spec *out,
		      struct diags *dg)
{
	const char *slash = strchr(sec, '/'), *rest = slash ? slash + 1 : "", *colon = rest;
	int r;

	*out = (struct spec){ 0 };
	if (kind == HOOK_usdt)
		return parse_usdt(a, sec, rest, out, dg);
	if (kind == HOOK_tracepoint || kind == HOOK_raw_tracepoint)
		return parse_syscall(a, sec, kind == HOOK_raw_tracepoint, rest, out, dg);
	if (!*rest)
		return 0;
	out->follows_ret = !strcmp(rest, "@uretprobe");
	out->follows = out->follows_ret || !strcmp(rest, "@uprobe");
	if (out->follows)
		return 0;
	while ((colon = strchr(colon, ':')) && colon[1] == ':')
		colon += 2;
	if (colon && colon != rest)
		out->path = arena_strndup(a, rest, (size_t)(colon - rest));
	r = attach_parse_symbol(a, colon ? colon + 1 : rest, &out->at, dg);
	return r < 0 ? r : 1;
}

static bool same_place(const struct record_want *x, const struct record_want *y)
{
	return x->at == y->at && x->has_vaddr == y->has_vaddr && x->vaddr == y->vaddr &&
	       x->off_bytes == y->off_bytes &&
	       (x->symbol == y->symbol || (x->symbol && y->symbol && !strcmp(x->symbol, y->symbol)));
}

static int parse_arg(struct arena *a, const struct attach_arg *arg, struct record_want *out,
		     struct diags *dg)
{
	*out = (struct record_want){ .at = arg->at };
	if (arg->at == AT_SYMBOL)
		return attach_parse_symbol(a, arg->text, out, dg);
	if (arg->at == AT_SYSCALL) {
		struct spec own = { 0 };
		int n = parse_syscall(a, arg->text, false, arg->text, &own, dg);

		*out = own.at;
		return n ? n : diag(dg, DIAG_U001, at_file(arg->text),
				    "system call tracepoints are written syscalls:sys_enter_NAME");
	}
	if (!is_probe_name(arg->text))
		return diag(dg, DIAG_U001, at_file(arg->text), "a probe is written provider:name");
	out->symbol = arg->text;
	return 0;
}

/* Is this the kind of place that the hook goes to? */
static bool suits(const struct attach_arg *arg, const struct record_want *w, const struct spec *own,
		  enum hook_kind kind, bool special)
{
	bool ret = own->follows ? own->follows_ret : w->ret;
	bool plain = kind == HOOK_uprobe || kind == HOOK_uretprobe;

	if (arg->at == AT_USDT)
		return kind == HOOK_usdt || (!special && !ret && kind == HOOK_uprobe);
	if (arg->at == AT_SYSCALL)
		return kind == HOOK_tracepoint || (!special && !ret && kind == HOOK_uprobe);
	if (arg->kind != HOOK_uprobe && arg->kind != HOOK_uretprobe)
		return arg->kind == kind;
	return plain && (arg->kind == HOOK_uretprobe) == ret;
}

struct taker {		/* a hook that takes places of the command line */
	struct record_want w;
	enum hook_kind kind;
	bool has_own;
	bool special;	/* its object has programs for probes or system calls */
	struct spec own;
};

static int wants_of_args(struct record *r, const struct taker *t, struct attach_arg *arg,
			 size_t n_arg, struct arena *a, struct diags *dg)
{
	struct record_want w = t->w;
	int added = 0;

	for (size_t i = 0; i < n_arg; i++) {
		struct record_want at;
		int err = parse_arg(a, &arg[i], &at, dg);

		if (err < 0)
			return err;
		if (!suits(&arg[i], &t->w, &t->own, t->kind, t->special) ||
		    (t->has_own && !same_place(&t->own.at, &at)))
			continue;
		w.at = at.at;
		w.cookie = arg[i].has_cookie ? arg[i].cookie : t->w.cookie;
		w.symbol = at.symbol;
		w.has_vaddr = at.has_vaddr;
		w.vaddr = at.vaddr;
		w.off_bytes = at.off_bytes;
		record_add_want(a, r, &w);
		arg[i].taken = true;
		added++;
	}
	return added;
}

static bool has_kind(const struct lnk *l, uint32_t first_hook, uint32_t end_hook, enum hook_kind kind)
{
	for (uint32_t h = first_hook; h < end_hook; h++)
		if (lnk_hook(l, h)->row->kind == kind)
			return true;
	return false;
}

/* Where the SEC() name says, if that is in this binary. */
static int want_of_name(struct record *r, const struct taker *t, const struct image *im)
{
	struct record_want w = t->own.at;

	if (!t->has_own || (t->own.path && !is_this_binary(im, t->own.path) &&
			    (w.at == AT_USDT || !is_needed(im, t->own.path))))
		return 0;
	w.object = t->w.object;
	w.hook = t->w.hook;
	w.ret = t->w.ret;
	w.cookie = t->w.cookie;
	record_add_want(im->arena, r, &w);
	return 1;
}

int attach_object(struct record *r, uint32_t object, const struct lnk *l, uint32_t first_hook,
		  uint32_t end_hook, const struct image *im, struct attach_arg *arg, size_t n_arg,
		  struct diags *dg)
{
	struct arena *a = im->arena;
	bool special = has_kind(l, first_hook, end_hook, HOOK_usdt) ||
		       has_kind(l, first_hook, end_hook, HOOK_tracepoint);
	int added = 0;

	for (uint32_t h = first_hook; h < end_hook; h++) {
		const struct lnk_hook *hook = lnk_hook(l, h);
		const struct hook_desc *kind = &hook_table[hook->row->kind];
		struct taker t = { .w = { .object = object, .hook = h - first_hook,
					  .ret = kind->entry == HOOK_ENTRY_RETURN,
					  .cookie = hook->row->cookie },
				   .kind = hook->row->kind, .special = special };
		int n = parse_spec(a, hook->sec, t.kind, &t.own, dg);

		if (n < 0)
			return n;
		t.has_own = n;
		if (kind->entry == HOOK_ENTRY_NONE || t.own.other) {
			diag_warn(dg, at_insn(r->object[object].path, hook->prog, -1, NULL),
				  "a %s program has no place in a binary", kind->name);
			continue;
		}
		if (!n_arg && (hook->row->flags & SEC_MANUAL)) {
			diag_warn(dg, at_insn(r->object[object].path, hook->prog, -1, NULL),
				  "SEC(\"%s\") is attached only where --%s says", hook->sec,
				  kind->name);
			continue;
		}
		n = n_arg ? wants_of_args(r, &t, arg, n_arg, a, dg) : want_of_name(r, &t, im);
		if (n < 0)
			return n;
		if (!n && !t.own.follows)
			diag_warn(dg, at_insn(r->object[object].path, hook->prog, -1, NULL),
				  n_arg && t.has_own ? "%s: SEC(\"%s\") names a place of its own, and no option names that one"
				  : n_arg     ? "no --%s given for SEC(\"%s\")"
				  : t.has_own ? "%s: nothing of SEC(\"%s\") is in this binary"
					      : "%s: SEC(\"%s\") names no place; the command line must",
				  kind->name, hook->sec);
		added += n;
	}
	return added;
}
