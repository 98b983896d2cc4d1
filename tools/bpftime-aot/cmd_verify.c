/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "front.h"
#include "json.h"
#include "progress.h"
#include "record.h"

/* The explanation of a rejection: the line of C, then what the verifier said, line by line. */
static void put_why(struct json *out, const struct unit *u, const struct unit_prog *p,
		    const struct diags *dg, char *said)
{
	char *save = NULL;

	json_str(out, "src", dg->errors && dg->first_insn >= 0 ?
			     unit_src(u, p, (uint32_t)dg->first_insn) : NULL);
	json_open(out, "explanation", '[');
	for (char *l = strtok_r(said, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
		json_str(out, NULL, l + strspn(l, " "));
	json_close(out, ']');
}

/* The verdict on one program, as a line or a member of an array; left open. */
static void put_verdict(struct json *out, const char *name, const struct diags *dg,
			const struct vfy_result *res, int verdict)
{
	json_open(out, NULL, '{');
	json_str(out, "name", name);
	json_str(out, "verdict", verdict < 0 ? "reject" : "accept");
	json_str(out, "code", verdict < 0 ? diag_name(dg->first) : NULL);
	if (verdict < 0 && dg->first_insn >= 0)
		json_i64(out, "insn", dg->first_insn);
	else
		json_null(out, "insn");
	json_str(out, "message", verdict < 0 ? dg->first_text : NULL);
	json_u64(out, "insns_processed", res->insns_processed);
	json_u64(out, "usec", res->usec);
}

struct batch {
	const char     *path;
	struct vfy_opts opts;
	struct diags   *dg;
};

static int verify_line(void *arg, unsigned line_no, const char *line, size_t n)
{
	struct batch *b = arg;
	struct json out = json_on(stdout);
	struct diags dg = { 0 };
	struct vfy_result res = { 0 };
	struct record rec;
	struct arena *a;
	int r = record_parse(b->path, line, n, &rec, &dg);

	progress_count(line_no, 0);
	if (b->opts.log)
		dg.out = stderr;
	if (r < 0) {
		put_verdict(&out, NULL, &dg, &res, r);
		json_close(&out, '}');
		return 0;
	}
	a = arena_new();
	r = vfy_verify(a, rec.unit, &rec.unit->prog[0], &b->opts, &res, &dg);
	if (r == -DIAG_E004)	/* no verdict */
		r = diag(b->dg, DIAG_E004, at_file(rec.name), "%s", dg.first_text);
	else
		put_verdict(&out, rec.name, &dg, &res, r), json_close(&out, '}'), r = 0;
	arena_free(a);
	unit_free(rec.unit);
	return r;
}

/* One program; with `out` as a member of its array, else as a line. */
static int verify_prog(struct front *f, const struct unit_prog *p, struct json *out,
		       struct diags *one)
{
	FILE *to = one->out;
	struct vfy_result res;
	char *said = NULL;
	size_t n = 0;
	int r;

	if (out && !f->vfy.log && !(one->out = open_memstream(&said, &n))) {
		one->out = to;
		return diag(one, DIAG_E003, at_file(f->u->path), "%s", "an explanation");
	}
	progress_step("verifying %s", p->name);
	r = vfy_verify(f->a, f->u, p, &f->vfy, &res, one);
	if (one->out != to) {
		fclose(one->out);
		one->out = to;
		if (to && said)
			fputs(said, to);
	}
	if (out) {
		put_verdict(out, p->name, one, &res, r);
		put_why(out, f->u, p, one, said);
		json_close(out, '}');
	} else if (r >= 0) {
		progress_hold();
		printf("%s: accepted; %u insns, %llu processed, %u bytes of stack, %llu us\n",
		       p->name, p->n_insn, (unsigned long long)res.insns_processed,
		       res.stack_bytes, (unsigned long long)res.usec);
		progress_go_on();
	}
	free(said);
	return r;
}

static int verify_unit(const struct opts *o, struct front *f, struct diags *dg)
{
	struct json out = json_on(stdout);
	bool json = opts_has(o, "json");
	int first = 0;

	if (json) {
		json_open(&out, NULL, '{');
		json_u64(&out, "schema", 1);
		json_str(&out, "file", f->u->path);
		json_open(&out, "programs", '[');
	}
	for (size_t i = 0; i < f->u->n_prog; i++) {
		struct diags one = { .out = dg->out };
		int r = verify_prog(f, &f->u->prog[i], json ? &out : NULL, &one);

		if (r < 0 && !first) {
			first = r;
			*dg = one;
		}
	}
	if (json) {
		json_close(&out, ']');
		json_close(&out, '}');
	}
	return first;
}

int cmd_verify(const struct opts *o, struct diags *dg)
{
	const char *path = opts_get(o, "batch");
	struct batch b = { .path = path, .dg = dg };
	struct front f;
	int r;

	if (path) {
		if (o->n_arg)
			return diag(dg, DIAG_U001, at_file(o->arg[0]), "--batch takes no other file");
		if ((r = front_vfy_opts(o, &b.opts, dg)) < 0)
			return r;
		if (!b.opts.log && !isatty(STDOUT_FILENO))	/* its lines show how far it is */
			progress_start();
		progress_step("verifying %s", path);
		return record_lines(path, verify_line, &b, dg);
	}
	if ((r = front_file(o, &path, dg)) < 0)
		return r;
	if (!opts_has(o, "json") && !opts_has(o, "log"))
		progress_start();
	if ((r = front_open(o, path, &f, dg)) >= 0)
		r = verify_unit(o, &f, dg);
	front_close(&f);
	return r;
}
