/* SPDX-License-Identifier: MIT
 *
 * maps, create, rm: the map files as files. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "control.h"
#include "inner.h"
#include "json.h"
#include "mapfile.h"
#include "text.h"

static void print_json(struct json *j, const struct mapref *r, const struct mapfmt_header *h)
{
	json_open(j, NULL, '{');
	json_str(j, "name", r->name);
	json_str(j, "object", r->object);
	json_str(j, "dir", r->dir);
	json_str(j, "type", map_row(h->type)->name);
	json_u64(j, "flags", h->flags);
	json_u64(j, "bytes_key", h->key_size);
	json_u64(j, "bytes_value", h->value_size);
	json_u64(j, "max_entries", h->max_entries);
	json_u64(j, "bytes_file", h->data_off + h->data_bytes);
	json_bool(j, "frozen", h->frozen);
	json_close(j, '}');
}

static void print_text(const struct mapref *r, const struct mapfmt_header *h)
{
	text_put_clean(stdout, r->label);
	printf("%*s %-13s key %-3" PRIu32 " value %-4" PRIu32 " max_entries %-8" PRIu32
	       " file %" PRIu64 " KiB%s\n",
	       strlen(r->label) < 32 ? 32 - (int)strlen(r->label) : 0, "", map_row(h->type)->name,
	       h->key_size, h->value_size, h->max_entries, (h->data_off + h->data_bytes) >> 10,
	       h->frozen ? " frozen" : "");
}

int cmd_maps(const struct opts *o, struct diags *dg)
{
	struct json j = json_on(stdout);
	struct mapref_list l;
	struct session s;
	int r = session_begin(&s, o, "maps", 0, 0, dg);

	if (r < 0)
		return r;
	r = mapdir_list(&s.dir, s.a, &l, dg);
	if (s.json) {
		json_open(&j, NULL, '{');
		json_u64(&j, "schema", 1);
		json_open(&j, "maps", '[');
	}
	for (size_t i = 0; r >= 0 && i < l.n; i++) {
		struct diags one = { 0 };
		struct mapfmt_header h;

		if (mapfile_header(&s.dir, &l.ref[i], &h, &one) < 0)
			diag_warn(dg, at_file(l.ref[i].label), "left out: %s", one.first_text);
		else if (s.json)
			print_json(&j, &l.ref[i], &h);
		else
			print_text(&l.ref[i], &h);
	}
	if (s.json) {
		json_close(&j, ']');
		json_close(&j, '}');
	}
	session_end(&s);
	return r;
}

int cmd_create(const struct opts *o, struct diags *dg)
{
	unsigned long entries = 0;
	struct mapfile outer;
	struct session s;
	char *end;
	int r = session_begin_map(&s, o, "create", 2, 3, &outer, dg);

	if (r < 0)
		return r;
	if (o->n_arg == 3) {
		entries = strtoul(o->arg[2], &end, 0);
		if (*end || o->arg[2][0] == '-' || !entries || entries > UINT32_MAX)
			r = diag(dg, DIAG_U001, at_file(o->arg[2]), "not a number of entries");
	}
	if (r >= 0)
		r = inner_make(&s.dir, &outer, o->arg[1], (uint32_t)entries, dg);
	session_end_map(&s, &outer);
	return r;
}

int cmd_rm(const struct opts *o, struct diags *dg)
{
	struct session s;
	int r = session_begin(&s, o, "rm", 1, ANY_NUMBER, dg);

	if (r < 0)
		return r;
	for (size_t i = 0; r >= 0 && i < o->n_arg; i++) {
		const char *object = o->arg[i];
		size_t n;

		if (strchr(object, '/') || object[0] == '.') {
			r = diag(dg, DIAG_U001, at_file(object), "not the name of an object");
			break;
		}
		r = mapdir_remove(&s.dir, s.a, object, &n, dg);
		if (r >= 0)
			r = control_remove(&s.dir, s.a, object, dg);
	}
	session_end(&s);
	return r;
}
