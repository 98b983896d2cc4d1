/* SPDX-License-Identifier: MIT */
#include <inttypes.h>

#include "hooks.h"
#include "json.h"
#include "patch.h"

static void print_text(FILE *out, const struct lnk_hook *h, const struct record_want *w)
{
	fprintf(out, "%-10s ", w->ret ? "uretprobe" : hook_table[h->row->kind].name);
	if (w->has_vaddr)
		fprintf(out, "%s0x%" PRIx64, w->at == AT_FILE_OFFSET ? "" : "@", w->vaddr);
	else
		fputs(w->symbol, out);
	if (w->off_bytes)
		fprintf(out, "+0x%" PRIx64, w->off_bytes);
	fprintf(out, "  %s:%s\n", h->object, h->prog);
}

static void print_json(struct json *j, const struct lnk_hook *h, const struct record_want *w)
{
	json_open(j, NULL, '{');
	json_str(j, "object", h->object);
	json_str(j, "prog", h->prog);
	json_str(j, "kind", hook_table[h->row->kind].name);
	json_str(j, "symbol", w->symbol);
	if (w->has_vaddr && w->at != AT_FILE_OFFSET)
		json_hex(j, "vaddr", w->vaddr);
	else
		json_null(j, "vaddr");
	if (w->at == AT_FILE_OFFSET)
		json_hex(j, "file_offset", w->vaddr);
	else
		json_null(j, "file_offset");
	json_u64(j, "offset", w->off_bytes);
	json_u64(j, "cookie", w->cookie);
	json_close(j, '}');
}

int patch_list(struct arena *a, const char *path, bool json, FILE *out, struct diags *dg)
{
	struct lnk *l = lnk_new(a, (struct bytes){ NULL, 0 });
	struct image *im;
	struct bytes meta;
	struct record rec;
	uint32_t *first;
	struct json j = json_on(out);
	int r = patch_read_ours(a, path, &im, &meta, dg);

	if (r < 0 || (r = record_read(a, meta, path, &rec, dg)) < 0)
		return r;
	first = arena_array(a, rec.n_object + 1, sizeof(*first));
	for (size_t i = 0; i < rec.n_object; i++) {
		first[i] = (uint32_t)lnk_n_hooks(l);
		if ((r = lnk_add_object(l, rec.object[i].path, rec.object[i].obj, true, dg)) < 0)
			return r;
	}
	if (json) {
		json_open(&j, NULL, '{');
		json_u64(&j, "schema", 1);
		json_str(&j, "binary", path);
		json_str(&j, "dir", rec.dir);
		json_open(&j, "hooks", '[');
	}
	for (size_t i = 0; i < rec.n_want; i++) {
		const struct record_want *w = &rec.want[i];
		const struct lnk_hook *h;

		if (w->hook >= lnk_n_hooks(l) - first[w->object])
			return diag(dg, DIAG_P020, at_file(path),
				    "its record names a hook that its object does not have");
		h = lnk_hook(l, first[w->object] + w->hook);
		if (json)
			print_json(&j, h, w);
		else
			print_text(out, h, w);
	}
	if (json) {
		json_close(&j, ']');
		json_close(&j, '}');
	}
	return 0;
}
