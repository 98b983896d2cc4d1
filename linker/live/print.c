/* SPDX-License-Identifier: MIT
 *
 * print.c - what was attached, for people and for programs. */
#include "json.h"
#include "part.h"

static void print_json(const struct live_result *r, FILE *out)
{
	struct json j = json_on(out);

	json_open(&j, NULL, '{');
	json_u64(&j, "schema", 1);
	json_i64(&j, "pid", r->pid);
	json_open(&j, "modules", '[');
	for (size_t i = 0; i < r->n; i++) {
		json_open(&j, NULL, '{');
		plan_put(&j, r->module[i].plan, r->module[i].payload_bytes, "strict");
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_u64(&j, "patched", r->n_patched);
	json_u64(&j, "refused", r->n_refused);
	json_close(&j, '}');
}

void live_print(const struct live_result *r, bool plan, bool json, FILE *out)
{
	if (json)
		print_json(r, out);
	for (size_t i = 0; i < r->n && plan && !json; i++)
		plan_print(r->module[i].plan, false, r->module[i].payload_bytes, "strict", out);
	if (!plan && !json)
		fprintf(out, "%s: %zu site%s patched, %zu refused\n", r->name, r->n_patched,
			r->n_patched == 1 ? "" : "s", r->n_refused);
}

void live_print_detached(const struct live_detached *d, bool json, FILE *out)
{
	struct json j = json_on(out);

	if (!json) {
		fprintf(out, "%s: %zu site%s restored%s\n", d->name, d->n_site, d->n_site == 1 ? "" : "s",
			d->n_kept ? ", memory kept for threads that may be inside" : "");
		return;
	}
	json_open(&j, NULL, '{');
	json_u64(&j, "schema", 1);
	json_i64(&j, "pid", d->pid);
	json_u64(&j, "sites", d->n_site);
	json_u64(&j, "payloads", d->n_payload);
	json_u64(&j, "kept", d->n_kept);
	json_close(&j, '}');
}

void live_tell_refused(const struct live_result *r, live_tell *tell, void *arg)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct plan *p = r->module[i].plan;
		const struct site *first = NULL;
		const char *name;
		char text[400];

		for (size_t k = 0; k < p->n_site && !first; k++)
			first = p->site[k].refused ? &p->site[k] : NULL;
		if (!first)
			continue;
		name = first->symbol ? first->symbol : "an unnamed function";
		if (p->n_refused > 1)
			snprintf(text, sizeof(text), "%zu of %zu places are not hooked; the first, %s: %s", p->n_refused,
				 p->n_site, name, first->refused);
		else
			snprintf(text, sizeof(text), "%s is not hooked: %s", name, first->refused);
		tell(arg, r->module[i].path, text);
	}
}
