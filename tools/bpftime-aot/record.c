/* SPDX-License-Identifier: MIT */
#include "record.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "maps.h"
#include "objfmt.h"

enum { MAX_INSNS = 1000000, MAX_MAPS = 64, PROG_F_SLEEPABLE = 1 << 4 };

struct parser {
	struct arena *a;
	json_t       *top;
	struct loc    at;
	struct diags *dg;
};

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool hex_parse(struct arena *a, const char *text, struct bytes *out)
{
	size_t n = strlen(text);
	uint8_t *p;

	if (n & 1)
		return false;
	p = arena_alloc(a, n / 2 + 1);
	for (size_t i = 0; i < n; i += 2) {
		int hi = hex_digit(text[i]), lo = hex_digit(text[i + 1]);

		if (hi < 0 || lo < 0)
			return false;
		p[i / 2] = (uint8_t)(hi << 4 | lo);
	}
	*out = (struct bytes){ p, n / 2 };
	return true;
}

static const char *text_of(const json_t *obj, const char *key, const char *otherwise)
{
	const char *s = json_string_value(json_object_get(obj, key));

	return s ? s : otherwise;
}

/* An integer member in [0, 2^32); absent is 0. */
static bool u32_of(const json_t *obj, const char *key, uint32_t *out)
{
	const json_t *v = json_object_get(obj, key);
	json_int_t n = v ? json_integer_value(v) : 0;

	*out = (uint32_t)n;
	return (!v || json_is_integer(v)) && n >= 0 && n <= UINT32_MAX;
}

static bool map_type_of(const json_t *v, uint32_t *out)
{
	if (json_is_integer(v)) {
		*out = (uint32_t)json_integer_value(v);
		return true;
	}
	for (uint32_t t = 0; t < MAP_TYPE_END && json_is_string(v); t++) {
		const struct map_row *row = map_row(t);

		if (row && !strcmp(row->name, json_string_value(v))) {
			*out = t;
			return true;
		}
	}
	return false;
}

static int parse_map(struct parser *ps, const json_t *j, size_t i, struct unit_map *m)
{
	const char *init = text_of(j, "value0_hex", NULL);

	m->name = arena_strdup(ps->a, text_of(j, "name", arena_printf(ps->a, "map%zu", i)));
	m->inner = -1;
	if (!map_type_of(json_object_get(j, "type"), &m->type) ||
	    !u32_of(j, "key", &m->key_size) || !u32_of(j, "value", &m->value_size) ||
	    !u32_of(j, "max", &m->max_entries) || !u32_of(j, "flags", &m->flags))
		return diag(ps->dg, DIAG_U002, ps->at, "map %zu", i);
	if (init && !hex_parse(ps->a, init, &m->init))
		return diag(ps->dg, DIAG_U002, ps->at, "map %zu: value0_hex", i);
	if (m->init.n > m->value_size)
		return diag(ps->dg, DIAG_U002, ps->at, "map %zu: value0_hex is too long", i);
	if (json_is_true(json_object_get(j, "frozen")) && m->flags & MAP_F_RDONLY_PROG)
		m->bits |= MAP_BIT_RODATA;
	return 0;
}

static int parse_maps(struct parser *ps, struct unit *u)
{
	const json_t *maps = json_object_get(ps->top, "maps");

	u->n_map = json_array_size(maps);
	if (u->n_map > MAX_MAPS)
		return diag(ps->dg, DIAG_U002, ps->at, "%zu maps", u->n_map);
	u->map = arena_array(ps->a, u->n_map + 1, sizeof(*u->map));
	for (size_t i = 0; i < u->n_map; i++) {
		struct unit_map *m = &u->map[i];
		int r = parse_map(ps, json_array_get(maps, i), i, m);

		if (r < 0)
			return r;
		if (m->init.n && m->init.n < m->value_size) {
			uint8_t *p = arena_alloc(ps->a, m->value_size);

			memcpy(p, m->init.p, m->init.n);
			m->init = (struct bytes){ p, m->value_size };
		}
	}
	return 0;
}

/* Map references become indexes, as in any unit (isa.h, "after relocation"). */
static int relocate_maps(struct parser *ps, const struct unit *u, struct unit_prog *p)
{
	const json_t *relocs = json_object_get(ps->top, "map_relocs");

	for (size_t i = 0; i < json_array_size(relocs); i++) {
		const json_t *j = json_array_get(relocs, i);
		uint32_t insn, map;

		if (!u32_of(j, "insn", &insn) || !u32_of(j, "map_index", &map) ||
		    insn >= p->n_insn || p->n_insn - insn < 2 || map >= u->n_map ||
		    p->insn[insn].code != BPFI_LD_IMM64)
			return diag(ps->dg, DIAG_U002, ps->at, "map_relocs[%zu]", i);
		p->insn[insn].imm = (int32_t)map;
		if (!strcmp(text_of(j, "kind", ""), "fd"))
			p->insn[insn + 1].imm = 0;
	}
	return 0;
}

static int parse_prog(struct parser *ps, struct unit_prog *p)
{
	const char *code = text_of(ps->top, "code", NULL);
	const char *type = text_of(ps->top, "prog_type", code ? "vm" : "");
	const char *hex = code ? code : text_of(ps->top, "insns_hex", "");
	struct bytes raw;
	uint32_t flags;

	p->type = prog_type_of(type);
	if (p->type == PROG_TYPE_COUNT)
		return diag(ps->dg, DIAG_U002, ps->at, "unknown prog_type \"%s\"", type);
	while (hook_table[p->kind].prog_type != p->type)
		p->kind++;
	if (!u32_of(ps->top, "prog_flags", &flags))
		return diag(ps->dg, DIAG_U002, ps->at, "prog_flags");
	p->flags = flags & PROG_F_SLEEPABLE ? SEC_SLEEPABLE : 0;
	if (!strcmp(text_of(ps->top, "expected_attach", ""), "trace_uprobe_session"))
		p->flags |= SEC_SESSION;
	if (!hex_parse(ps->a, hex, &raw) || !raw.n || raw.n % sizeof(struct bpfi) ||
	    raw.n / sizeof(struct bpfi) > MAX_INSNS)
		return diag(ps->dg, DIAG_U002, ps->at, "the instructions are not whole slots in hex");
	p->insn = (struct bpfi *)raw.p;
	p->n_insn = (uint32_t)(raw.n / sizeof(struct bpfi));
	p->name = "prog";
	p->sec = hook_table[p->kind].name;
	p->spec = "";
	return 0;
}

static int parse(struct parser *ps, const char *path, struct record *out)
{
	struct unit *u = arena_alloc(ps->a, sizeof(*u));
	struct unit_prog *p = arena_alloc(ps->a, sizeof(*p));
	const char *mem = text_of(ps->top, "mem", "");
	struct record rec = { .unit = u };
	int r;

	*u = (struct unit){ .arena = ps->a, .path = arena_strdup(ps->a, path), .name = "record",
			    .prog = p, .n_prog = 1 };
	rec.name = arena_strdup(ps->a, text_of(ps->top, "name", ""));
	u->license = arena_strdup(ps->a, text_of(ps->top, "license", "GPL"));
	if ((r = parse_prog(ps, p)) < 0 || (r = parse_maps(ps, u)) < 0 ||
	    (r = relocate_maps(ps, u, p)) < 0)
		return r;
	unit_find_funcs(ps->a, p);
	if (!hex_parse(ps->a, mem, &rec.mem) || rec.mem.n > UINT32_MAX)
		return diag(ps->dg, DIAG_U002, ps->at, "mem is not hex");
	p->mem_bytes = (uint32_t)rec.mem.n;
	*out = rec;
	return 0;
}

int record_parse(const char *path, const char *line, size_t n, struct record *out,
		 struct diags *dg)
{
	struct parser ps = { .a = arena_new(), .at = at_file(path), .dg = dg };
	json_error_t err;
	int r;

	ps.top = json_loadb(line, n, 0, &err);
	if (!json_is_object(ps.top))
		r = diag(dg, DIAG_U002, ps.at, "%s", ps.top ? "not an object" : err.text);
	else
		r = parse(&ps, path, out);
	json_decref(ps.top);
	if (r < 0)
		arena_free(ps.a);
	return r;
}

/* A program of a million instructions has 16 MiB of hex digits. */
enum { LINE_BYTES = 64 << 20 };

/* The next line with its end; -1: none; LINE_BYTES: it is too long, and was read up to there. */
static ssize_t read_line(FILE *f, char **line, size_t *cap)
{
	size_t n = 0;
	int c = 0;

	while (n < LINE_BYTES && c != '\n' && (c = getc_unlocked(f)) != EOF) {
		if (n == *cap) {
			char *grown = realloc(*line, *cap = *cap ? *cap * 2 : 4096);

			if (!grown)
				return LINE_BYTES;
			*line = grown;
		}
		(*line)[n++] = (char)c;
	}
	return n ? (ssize_t)n : -1;
}

int record_lines(const char *path,
		 int (*fn)(void *arg, unsigned line_no, const char *line, size_t n), void *arg,
		 struct diags *dg)
{
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	int r = 0;

	if (!f)
		return diag(dg, DIAG_E001, at_file(path), "%s", strerror(errno));
	for (unsigned no = 1; r >= 0 && (n = read_line(f, &line, &cap)) >= 0; no++) {
		if (n == LINE_BYTES) {
			r = diag(dg, DIAG_U002, at_insn(path, NULL, no, NULL),
				 "line %u is longer than %d MiB", no, LINE_BYTES >> 20);
			break;
		}
		while (n && (line[n - 1] == '\n' || line[n - 1] == '\r'))
			n--;
		if (n)
			r = fn(arg, no, line, (size_t)n);
	}
	if (r >= 0 && ferror(f))
		r = diag(dg, DIAG_E001, at_file(path), "%s", strerror(errno));
	free(line);
	fclose(f);
	return r < 0 ? r : 0;
}
