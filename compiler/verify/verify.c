/* SPDX-License-Identifier: MIT
 *
 * verify.c - the verifier, from the program to the verdict. */
#include "vfy.h"

#include <time.h>

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int check_prog(struct vfy *v)
{
	if (!v->n_insn)
		return refuse(v, DIAG_V042, "it has no instructions");
	if (v->n_insn > MAX_PROG_INSNS)
		return refuse(v, DIAG_V042, "%u instructions; at most %d", v->n_insn, MAX_PROG_INSNS);
	return 0;
}

static void finish_facts(struct vfy *v)
{
	for (uint32_t i = 0; i < v->n_insn; i++) {
		struct vfy_insn *f = &v->out->insn[i];
		const struct insn_aux *aux = &v->aux[i];

		f->always_taken = aux->took_jump && !aux->took_fall;
		f->never_taken = aux->took_fall && !aux->took_jump;
		if (!aux->map_seen)
			f->map = -1;
		if (!aux->func_seen)
			f->func = -1;
		if (!aux->inner_seen)
			f->inner = -1;
	}
}

int vfy_verify(struct arena *a, const struct unit *u, const struct unit_prog *p,
	       const struct vfy_opts *opts, struct vfy_result *out, struct diags *dg)
{
	static const struct vfy_opts none;
	struct arena *mem = arena_new();
	struct vfy *v = arena_alloc(mem, sizeof(*v));
	struct state first = { 0 };
	int r;

	*out = (struct vfy_result){ .arena = -1 };
	*v = (struct vfy){ .u = u, .p = p, .opts = opts ? opts : &none, .out = out, .dg = dg,
			   .mem = mem, .insn = p->insn, .n_insn = p->n_insn,
			   .started_ns = now_ns(), .cur = &first };
	if ((r = check_prog(v)) >= 0) {
		out->insn = arena_array(a, v->n_insn, sizeof(*out->insn));
		v->aux = arena_array(mem, v->n_insn, sizeof(*v->aux));
		if ((r = check_structure(v)) >= 0 && (r = check_cfg(v)) >= 0) {
			live_registers(v);
			r = walk(v);
		}
		if (r >= 0)
			r = check_stack_depth(v);
		finish_facts(v);
	}
	out->insns_processed = v->n_done;
	out->usec = (now_ns() - v->started_ns) / 1000;
	arena_free(mem);
	return r < 0 ? r : 0;
}
