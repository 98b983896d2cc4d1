/* SPDX-License-Identifier: MIT
 *
 * events: the records of a ring buffer, one a line. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "btfval.h"
#include "cmd.h"
#include "ring.h"
#include "rt_maps.h"

/* A ring does not say what its records are: --type does. */
static int find_type(const struct mapfile *m, const char *name, uint32_t *id, struct diags *dg)
{
	static const struct {
		const char *prefix;
		uint32_t kind;
	} kinds[] = {
		{ "struct ", BTF_KIND_STRUCT }, { "union ", BTF_KIND_UNION },
		{ "", BTF_KIND_TYPEDEF }, { "", BTF_KIND_STRUCT }, { "", BTF_KIND_INT },
	};
	int r = -1;

	*id = 0;
	if (!name)
		return 0;
	if (!m->btf)
		return diag(dg, DIAG_M011, at_file(m->ref.label), "%s: the object has no BTF", name);
	for (size_t i = 0; r <= 0 && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t n = strlen(kinds[i].prefix);

		if (!strncmp(name, kinds[i].prefix, n))
			r = btf__find_by_name_kind(m->btf, name + n, kinds[i].kind);
	}
	if (r <= 0)
		return diag(dg, DIAG_M011, at_file(m->ref.label),
			    "%s is not in the object's BTF; clang writes a type there when a map, "
			    "a global variable or a function argument has it", name);
	*id = (uint32_t)r;
	return 0;
}

static void print_bytes(const uint8_t *p, uint32_t n)
{
	printf("%" PRIu32 " byte%s:", n, n == 1 ? "" : "s");
	for (uint32_t i = 0; i < n; i++)
		printf(" %02x", p[i]);
	fputs(" |", stdout);
	for (uint32_t i = 0; i < n; i++)
		putchar(isprint(p[i]) ? p[i] : '.');
	puts("|");
}

static void print(const struct mapfile *m, struct json *j, uint32_t type,
		  const struct ring_record *rec)
{
	if (j) {
		json_open(j, NULL, '{');
		json_u64(j, "len", rec->len);
		json_hexbytes(j, "data", rec->data, rec->len);
		if (type)
			btfval_json(j, "formatted", m->btf, type, rec->data, rec->len, BTFVAL_TEXT);
		json_close(j, '}');
	} else if (type) {
		btfval_text(stdout, m->btf, type, rec->data, rec->len);
		putchar('\n');
	} else {
		print_bytes(rec->data, rec->len);
	}
}

static int follow(const struct mapfile *m, struct json *j, uint32_t type, unsigned long count,
		  bool wait, struct diags *dg)
{
	struct ring_record rec;
	unsigned long n = 0;
	int r = ring_open(m, dg);

	while (r >= 0 && (!count || n < count)) {
		r = ring_next(m, &rec, dg);
		if (r > 0) {
			print(m, j, type, &rec);
			if (fflush(stdout))	/* what could not be printed stays in the ring */
				return diag(dg, DIAG_E002, at_file("<stdout>"), "%s",
					    strerror(errno));
			ring_done(m);
			n++;
		} else if (!r && !wait) {
			break;
		} else if (!r) {
			r = ring_wait(m, dg);
		}
	}
	if (r >= 0 && rt_ringbuf_drops(m->base))
		diag_warn(dg, at_file(m->ref.label), "%" PRIu64 " records have found no room",
			  rt_ringbuf_drops(m->base));
	return r < 0 ? r : 0;
}

int cmd_events(const struct opts *o, struct diags *dg)
{
	struct json j = json_on(stdout);
	unsigned long count = 0;
	uint32_t type = 0;
	struct mapfile m;
	struct session s;
	int r = opts_count(o, "count", &count, dg);

	if (r >= 0)
		r = session_begin_map(&s, o, "events", 1, 1, &m, dg);
	if (r < 0)
		return r;
	r = find_type(&m, opts_get(o, "type"), &type, dg);
	if (r >= 0)
		r = follow(&m, s.json ? &j : NULL, type, count, !opts_has(o, "no-wait"), dg);
	session_end_map(&s, &m);
	return r;
}
