/* SPDX-License-Identifier: MIT
 *
 * plan_print.c - the plan for people and for programs. */
#include "json.h"
#include "plan.h"

static void put_site(struct json *j, const struct site *s)
{
	json_open(j, NULL, '{');
	json_str(j, "symbol", s->symbol);
	json_hex(j, "vaddr", s->vaddr);
	json_str(j, "kind", site_kind_name(s->kind));
	json_bool(j, "return", s->has_ret);
	json_bool(j, "decides", s->n_decide > 0);
	json_str(j, "tactic", tactic_name(s->tactic));
	json_hexbytes(j, "before", s->before.p, s->before.n);
	json_hexbytes(j, "after", s->after.p, s->after.n);
	json_open(j, "cost", '{');
	json_u64(j, "insns", s->cost.insns);
	json_u64(j, "bytes", s->tramp_bytes);
	json_u64(j, "saved_regs", s->cost.saved_regs);
	json_u64(j, "atomics", s->cost.atomics);
	json_double(j, "ns", s->cost.ns);
	json_close(j, '}');
	json_str(j, "refused", s->refused);
	json_close(j, '}');
}

void plan_put(struct json *j, const struct plan *p, uint64_t growth_bytes, const char *reads)
{
	json_str(j, "binary", p->im->path);
	json_open(j, "sites", '[');
	for (size_t i = 0; i < p->n_site; i++)
		put_site(j, &p->site[i]);
	json_close(j, ']');
	json_u64(j, "patched", p->n_patched);
	json_u64(j, "refused", p->n_refused);
	json_u64(j, "file_growth_bytes", growth_bytes);
	json_u64(j, "unwind_table_bytes", p->unwind_bytes);
	json_str(j, "reads", reads);
}

static void print_json(const struct plan *p, uint64_t growth_bytes, const char *reads, FILE *out)
{
	struct json j = json_on(out);

	json_open(&j, NULL, '{');
	json_u64(&j, "schema", 1);
	plan_put(&j, p, growth_bytes, reads);
	json_close(&j, '}');
}

static void print_bytes(struct bytes b, FILE *out)
{
	for (size_t i = 0; i < b.n; i++)
		fprintf(out, "%02x", b.p[i]);
}

void plan_print(const struct plan *p, bool json, uint64_t growth_bytes, const char *reads,
		FILE *out)
{
	if (json) {
		print_json(p, growth_bytes, reads, out);
		return;
	}
	for (size_t i = 0; i < p->n_site; i++) {
		const struct site *s = &p->site[i];

		fprintf(out, "0x%llx %s%s%s %s ", (unsigned long long)s->vaddr, site_kind_name(s->kind),
			s->has_ret ? "+return" : "", s->n_decide ? "+decide" : "",
			s->symbol ? s->symbol : "-");
		if (s->refused) {
			fprintf(out, "refused: %s\n", s->refused);
			continue;
		}
		fprintf(out, "%s ", tactic_name(s->tactic));
		print_bytes(s->before, out);
		fprintf(out, " -> ");
		print_bytes(s->after, out);
		fprintf(out, " about %.1f ns\n", s->cost.ns);
	}
	fprintf(out, "%zu patched, %zu refused, %llu bytes are added", p->n_patched, p->n_refused,
		(unsigned long long)growth_bytes);
	if (p->unwind_bytes)
		fprintf(out, " (%llu of them tell callers, for stacks)", (unsigned long long)p->unwind_bytes);
	fprintf(out, ", reads are %s\n", reads);
}
