/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "child.h"
#include "cmd.h"
#include "engine.h"
#include "json.h"
#include "record.h"

enum { SECONDS = 10, GUARD_BYTES = 4096 };

struct job {
	enum engine_kind    engine;
	struct compile_opts opts;
	const struct unit  *u;
	size_t              prog;
	struct bytes        mem;	/* what r1 points at */
	unsigned long       repeat;
	bool                confine;
};

/* Memory for the program, with a page behind it that must not be touched. */
static void *guarded(struct bytes b)
{
	size_t whole = (b.n + 7) & ~(size_t)7;
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
	double from;

	res->r0 = fn(mem, j->mem.n);
	if (j->repeat > 1) {
		from = now_ns();
		for (unsigned long i = 1; i < j->repeat; i++)
			res->r0 = fn(mem, j->mem.n);
		res->ns = (now_ns() - from) / (double)(j->repeat - 1);
	}
	res->ok = true;
}

static void describe(struct child_result *res, const struct diags *dg, const char *before)
{
	size_t n = sizeof(res->message);

	res->code = dg->first;
	if (snprintf(res->message, n, "%s%s: %s", before, diag_text(dg->first), dg->first_text) < 0)
		res->message[0] = 0;
}

static void run_in_child(void *arg, struct child_result *res)
{
	const struct job *j = arg;
	struct diags dg = { 0 };
	struct arena *a = arena_new();
	struct engine *e;
	void *mem = guarded(j->mem);

	if (engine_open(a, j->engine, j->u, NULL, &j->opts, &e, &dg) < 0) {
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

int cmd_run(const struct opts *o, struct diags *dg)
{
	const char *repeat = opts_get(o, "repeat"), *batch = opts_get(o, "batch");
	struct batch b = { .path = batch, .dg = dg };
	char *end = NULL;
	int r;

	b.job.repeat = repeat ? strtoul(repeat, &end, 0) : 1;
	if (repeat && (!*repeat || *end || !b.job.repeat))
		return diag(dg, DIAG_U001, at_file("--repeat"), "%s", repeat);
	if (engine_kind_of(opts_get(o, "engine"), &b.job.engine, dg) < 0)
		return -DIAG_U001;
	b.job.opts = (struct compile_opts){ .opt_level = 3, .unverified = true };
	b.job.confine = true;
	b.arena = arena_new();
	r = record_lines(batch, run_line, &b, dg);
	arena_free(b.arena);
	return r;
}
