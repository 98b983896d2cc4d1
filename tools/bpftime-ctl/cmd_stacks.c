/* SPDX-License-Identifier: MIT
 *
 * stacks: the stacks of a stack_trace map, by function names. */
#include "cmd.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "places.h"
#include "stacks.h"
#include "text.h"

struct show {
	struct session *s;
	struct module_list *modules;
	const char *object;
};

static struct place place(const struct show *w, const struct stack *s, size_t i)
{
	const struct mapfmt_build_id *f = &s->frame[i];

	if (f->status == MAPFMT_BUILD_ID_VALID)
		return place_of_build_id(w->modules, w->s->a, f, !i);
	return place_of_ip(w->modules, w->s->a, f->at, s->pid, !i);
}

static void print_text(const struct show *w, const struct stack *s)
{
	printf("stack %" PRId64 ":", s->id);
	if (s->counted)
		printf(" count %" PRId64, s->count);
	if (s->pid)
		printf(" pid %" PRIu32, s->pid);
	if (s->comm) {
		fputs(" comm ", stdout);
		text_put_clean(stdout, s->comm);
	}
	putchar('\n');
	for (size_t i = 0; i < s->n_frame; i++) {
		struct place p = place(w, s, i);

		fputs("    ", stdout);
		text_put_clean(stdout, place_name(&p, w->s->a, &s->frame[i]));
		if (p.symbol)
			printf("+0x%" PRIx64, p.off_bytes);
		if (p.symbol && p.m->path[0]) {
			fputs(" (", stdout);
			text_put_clean(stdout, p.m->path);
			putchar(')');
		}
		putchar('\n');
	}
	if (!s->n_frame)
		puts(s->id < 0 ? "    not taken" : "    not in the map any more");
}

static void print_json(const struct show *w, struct json *j, const struct stack *s)
{
	json_open(j, NULL, '{');
	json_i64(j, "id", s->id);
	if (s->counted)
		json_i64(j, "count", s->count);
	else
		json_null(j, "count");
	if (s->pid)
		json_u64(j, "pid", s->pid);
	else
		json_null(j, "pid");
	json_str(j, "comm", s->comm);
	json_open(j, "frames", '[');
	for (size_t i = 0; i < s->n_frame; i++) {
		const struct mapfmt_build_id *f = &s->frame[i];
		struct place p = place(w, s, i);

		json_open(j, NULL, '{');
		if (f->status == MAPFMT_BUILD_ID_VALID) {
			json_null(j, "ip");
			json_hexbytes(j, "build_id", f->id, sizeof(f->id));
			json_hex(j, "file_offset", f->at);
		} else {
			json_hex(j, "ip", f->at);
		}
		json_str(j, "symbol", p.symbol);
		json_u64(j, "offset", p.off_bytes);
		json_str(j, "module", p.m ? p.m->path : NULL);
		json_hex(j, "vaddr", p.vaddr);
		json_close(j, '}');
	}
	json_close(j, ']');
	json_close(j, '}');
}

/* ---- folded: equal lines are one, as different processes have the same stack at other addresses ---- */

struct folded {
	const char *line;
	int64_t count;
};

static int by_line(const void *x, const void *y)
{
	return strcmp(((const struct folded *)x)->line, ((const struct folded *)y)->line);
}

/* What separates frames and ends the line cannot be in a name. */
static void put_name(FILE *out, const char *name)
{
	for (; *name; name++)
		fputc(*name == ';' || *name == '\n' || (unsigned char)*name < ' ' || *name == 0x7f ? '_' : *name, out);
}

static const char *fold(const struct show *w, const struct stack *s)
{
	char *text = NULL, *line;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	if (!out)
		return NULL;
	put_name(out, s->comm && *s->comm ? s->comm : w->object);
	for (size_t i = s->n_frame; i--;) {
		struct place p = place(w, s, i);

		fputc(';', out);
		put_name(out, place_name(&p, w->s->a, &s->frame[i]));
	}
	if (!s->n_frame)
		fputs(";[missed]", out);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	line = arena_strdup(w->s->a, text);
	free(text);
	return line;
}

static int print_folded(const struct show *w, const struct stack_list *l, struct diags *dg)
{
	struct folded *f = arena_array(w->s->a, l->n + 1, sizeof(*f));

	for (size_t i = 0; i < l->n; i++) {
		f[i] = (struct folded){ fold(w, &l->s[i]), l->s[i].counted ? l->s[i].count : 1 };
		if (!f[i].line)
			return diag(dg, DIAG_E003, at_file(NULL), "no memory");
	}
	if (l->n)
		qsort(f, l->n, sizeof(*f), by_line);
	for (size_t i = 0; i < l->n; i++) {
		int64_t count = f[i].count;

		while (i + 1 < l->n && !strcmp(f[i].line, f[i + 1].line))
			count = (int64_t)((uint64_t)count + (uint64_t)f[++i].count);
		printf("%s %" PRId64 "\n", f[i].line, count);
	}
	return 0;
}

static int print_all(const struct show *w, const struct stack_list *l, bool folded, struct diags *dg)
{
	struct json j = json_on(stdout);

	if (folded)
		return print_folded(w, l, dg);
	if (w->s->json) {
		json_open(&j, NULL, '{');
		json_u64(&j, "schema", 1);
		json_open(&j, "stacks", '[');
	}
	for (size_t i = 0; i < l->n; i++) {
		if (w->s->json)
			print_json(w, &j, &l->s[i]);
		else
			print_text(w, &l->s[i]);
	}
	if (w->s->json) {
		json_close(&j, ']');
		json_close(&j, '}');
	}
	return 0;
}

int cmd_stacks(const struct opts *o, struct diags *dg)
{
	const char *name = opts_get(o, "counts");
	struct mapfile m, counts;
	struct module_list modules;
	struct stack_list l;
	struct session s;
	struct show w = { &s, &modules, NULL };
	bool counted = false;
	int r = session_begin_map(&s, o, "stacks", 1, 1, &m, dg);

	if (r < 0)
		return r;
	w.object = m.ref.object;
	r = places_open(&s.dir, s.a, &modules, dg);
	if (r >= 0 && name) {
		r = mapfile_open(&s.dir, s.a, name, &counts, dg);
		counted = r >= 0;
	} else if (r >= 0) {
		counted = stacks_find_counts(&s.dir, &m, s.a, &counts) > 0;
	}
	if (r >= 0)
		r = stacks_read(&m, counted ? &counts : NULL, s.a, &l, dg);
	if (r >= 0)
		r = print_all(&w, &l, opts_has(o, "folded"), dg);
	if (r >= 0 && modules.ambiguous)
		diag_warn(dg, at_file(m.ref.label), "%zu addresses were several files', in different processes, and no "
			  "pid in the key tells which", modules.ambiguous);
	if (counted)
		mapfile_close(&counts);
	session_end_map(&s, &m);
	return r;
}
