/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "child.h"
#include "cmd.h"
#include "engine.h"
#include "file.h"
#include "front.h"
#include "json.h"
#include "progress.h"
#include "record.h"

enum { SECONDS = 10, GUARD_BYTES = 4096 };

struct job {
	enum engine_kind    engine;
	struct compile_opts opts;
	const struct unit  *u;
	const struct vfy_result *const *facts;
	size_t              prog;
	struct bytes        mem;	/* what r1 points at; r2 is its length */
	unsigned long       repeat;
	bool                confine;
};

/* Memory for the program, with a page behind it that must not be touched: right behind a
 * packet, which is accessed by the byte. */
static void *guarded(struct bytes b, bool exact)
{
	size_t whole = exact ? b.n : (b.n + 7) & ~(size_t)7;
	size_t pages = (whole + GUARD_BYTES - 1) / GUARD_BYTES * GUARD_BYTES;
	uint8_t *p = mmap(NULL, pages + 2 * GUARD_BYTES, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || mprotect(p, GUARD_BYTES, PROT_NONE) ||
	    mprotect(p + GUARD_BYTES + pages, GUARD_BYTES, PROT_NONE))
		return NULL;
	p += GUARD_BYTES + pages - whole;
	if (b.n)
		memcpy(p, b.p, b.n);
	return p;
}

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void call(const struct job *j, engine_fn *fn, void *mem, struct child_result *res)
{
	enum prog_type type = j->u->prog[j->prog].type;
	uint64_t tail_calls = 0, arg = j->mem.n;
	struct bpftime_xdp xdp = {
		.data = (uintptr_t)mem, .data_meta = (uintptr_t)mem,
		.data_end = (uintptr_t)mem + j->mem.n,
	};
	double from;

	if (type != PROG_VM)
		arg = (uintptr_t)&tail_calls;
	if (type == PROG_XDP)
		mem = &xdp;
	res->r0 = fn(mem, arg);
	if (j->repeat > 1) {
		from = now_ns();
		for (unsigned long i = 1; i < j->repeat; i++) {
			tail_calls = 0;
			res->r0 = fn(mem, arg);
		}
		res->ns = (now_ns() - from) / (double)(j->repeat - 1);
	}
	res->ok = true;
}

static void describe(struct child_result *res, const struct diags *dg, const char *before)
{
	const char *detail = diags_detail(dg);
	size_t n = sizeof(res->message), at;
	int whole;

	res->code = dg->first;
	whole = snprintf(res->message, n, "%s%s%s%s", before, diag_text(dg->first), *detail ? ": " : "", detail);
	if (whole < 0) {
		res->message[0] = 0;
		return;
	}
	at = (size_t)whole - strlen(detail);
	res->detail_at = at < n ? at : n - 1;
}

static void run_in_child(void *arg, struct child_result *res)
{
	const struct job *j = arg;
	struct diags dg = { 0 };
	struct arena *a = arena_new();
	struct engine *e;
	void *mem = guarded(j->mem, j->u->prog[j->prog].type == PROG_XDP);

	if (engine_open(a, j->engine, j->u, j->facts, &j->opts, &e, &dg) < 0) {
		describe(res, &dg, "");
		return;
	}
	if (!mem) {
		res->code = DIAG_E003;
		return;
	}
	if (j->confine)
		child_confine();
	call(j, engine_prog(e, j->prog), mem, res);
}

static void print_json(const char *name, const struct job *j, const struct child_result *res)
{
	struct json out = json_on(stdout);

	json_open(&out, NULL, '{');
	json_str(&out, "name", name);
	if (res->ok) {
		json_hex(&out, "r0", res->r0);
		if (j->repeat > 1)
			json_double(&out, "ns", res->ns);
		json_null(&out, "error");
	} else {
		json_null(&out, "r0");
		json_open(&out, "error", '{');
		json_str(&out, "code", diag_name(res->code));
		json_str(&out, "message", res->message);
		json_close(&out, '}');
	}
	json_close(&out, '}');
}

struct batch {
	struct arena *arena;
	const char   *path;
	struct job    job;
	struct diags *dg;
};

static int run_line(void *arg, unsigned line_no, const char *line, size_t n)
{
	struct child_limits lim = { SECONDS };
	struct batch *b = arg;
	struct child_result res = { 0 };
	struct diags dg = { 0 };
	struct job j = b->job;
	struct record rec;
	int r;

	if (record_parse(b->path, line, n, &rec, &dg) < 0) {
		describe(&res, &dg, arena_printf(b->arena, "line %u: ", line_no));
		print_json(NULL, &j, &res);
		return 0;
	}
	j.u = rec.unit;
	j.mem = rec.mem;
	r = child_run(run_in_child, &j, &lim, &res, b->dg);
	if (r >= 0)
		print_json(rec.name, &j, &res);
	unit_free(rec.unit);
	return r;
}

static int run_batch(struct job *j, const char *path, struct diags *dg)
{
	struct batch b = { .arena = arena_new(), .path = path, .job = *j, .dg = dg };
	int r;

	b.job.opts.unverified = true;
	b.job.confine = true;
	r = record_lines(path, run_line, &b, dg);
	arena_free(b.arena);
	return r;
}

/* The program that --prog names, or the only one. */
static int find_prog(const struct unit *u, const char *name, size_t *out, struct diags *dg)
{
	int r;

	for (*out = 0; *out < u->n_prog; ++*out)
		if (name ? !strcmp(u->prog[*out].name, name) : u->n_prog == 1)
			return 0;
	r = diag(dg, DIAG_U001, at_file(u->path), name ? "no program %s; there are:"
							: "which program? --prog NAME, one of:",
		 name);
	for (size_t i = 0; i < u->n_prog; i++)
		diag_more(dg, "%s", u->prog[i].name);
	return r;
}

/* What r1 points at: the bytes of --ctx or --mem; a kprobe ctx is a whole frame, filled
 * up with zeros. */
static int read_mem(const struct opts *o, struct front *f, struct job *j, struct diags *dg)
{
	const char *ctx = opts_get(o, "ctx"), *mem = opts_get(o, "mem");
	struct unit_prog *p = &f->u->prog[j->prog];
	struct bytes b = { NULL, 0 };
	uint8_t *frame;
	int r;

	if (ctx && mem)
		return diag(dg, DIAG_U001, at_file("--mem"), "--ctx or --mem, not both");
	if (ctx && !hex_parse(f->a, ctx, &b))
		return diag(dg, DIAG_U001, at_file("--ctx"), "not hex digits: %s", ctx);
	if (mem && (r = file_read(f->a, mem, &b, NULL, dg)) < 0)
		return r;
	if ((PROGS_DECIDING >> p->type & 1) && b.n < CTX_FRAME_WORDS * 8) {
		frame = arena_alloc(f->a, CTX_FRAME_WORDS * 8);
		if (b.n)
			memcpy(frame, b.p, b.n);
		b = (struct bytes){ frame, CTX_FRAME_WORDS * 8 };
	}
	if (p->type == PROG_VM)
		p->mem_bytes = (uint32_t)b.n;
	j->mem = b;
	return 0;
}

static int report(const struct opts *o, const struct job *j, const struct child_result *res,
		  struct diags *dg)
{
	const struct unit_prog *p = &j->u->prog[j->prog];

	if (opts_has(o, "json"))
		print_json(p->name, j, res);
	else if (res->ok && j->repeat > 1)
		printf("%s: r0 = 0x%llx, %.2f ns per run\n", p->name, (unsigned long long)res->r0,
		       res->ns);
	else if (res->ok)
		printf("%s: r0 = 0x%llx\n", p->name, (unsigned long long)res->r0);
	return res->ok ? 0 : diag(dg, res->code, at_insn(j->u->path, p->name, -1, NULL), "%s",
				  res->message + res->detail_at);
}

static int run_object(const struct opts *o, struct job *j, struct diags *dg)
{
	struct child_limits lim = { SECONDS };
	struct child_result res = { 0 };
	const char *path;
	struct front f;
	int r;

	if ((r = front_file(o, &path, dg)) < 0)
		return r;
	if (!opts_has(o, "json"))
		progress_start();
	if ((r = front_open(o, path, &f, dg)) >= 0 &&
	    (r = find_prog(f.u, opts_get(o, "prog"), &j->prog, dg)) >= 0 &&
	    (r = read_mem(o, &f, j, dg)) >= 0 && (r = front_verify(&f, dg)) >= 0) {
		j->u = f.u;
		j->facts = f.facts;
		j->opts = f.opts;
		progress_step("running %s", f.u->prog[j->prog].name);
		r = child_run(run_in_child, j, &lim, &res, dg);
		progress_end();
		if (r >= 0)
			r = report(o, j, &res, dg);
	}
	front_close(&f);
	return r;
}

int cmd_run(const struct opts *o, struct diags *dg)
{
	const char *repeat = opts_get(o, "repeat"), *batch = opts_get(o, "batch");
	struct job j = { .repeat = 1 };
	char *end = NULL;

	if (repeat)
		j.repeat = strtoul(repeat, &end, 0);
	if (repeat && (!*repeat || *end || !j.repeat))
		return diag(dg, DIAG_U001, at_file("--repeat"), "%s", repeat);
	if (engine_kind_of(opts_get(o, "engine"), &j.engine, dg) < 0)
		return -DIAG_U001;
	j.opts.opt_level = 3;
	return batch ? run_batch(&j, batch, dg) : run_object(o, &j, dg);
}
