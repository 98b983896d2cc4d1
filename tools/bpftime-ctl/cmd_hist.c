/* SPDX-License-Identifier: MIT
 *
 * hist: log2 histograms in maps. */
#include "cmd.h"
#include "btfval.h"
#include "entry.h"
#include "hist.h"

int cmd_hist(const struct opts *o, struct diags *dg)
{
	struct json j = json_on(stdout);
	struct hist_list l;
	struct mapfile m;
	struct session s;
	int r = session_begin_map(&s, o, "hist", 1, 1, &m, dg);

	if (r < 0)
		return r;
	r = hist_read(&m, s.a, &l, dg);
	if (r >= 0 && s.json) {
		json_open(&j, NULL, '{');
		json_u64(&j, "schema", 1);
		json_open(&j, "histograms", '[');
	}
	for (size_t i = 0; r >= 0 && i < l.n; i++) {
		const struct hist *h = &l.hist[i];

		if (s.json) {
			json_open(&j, NULL, '{');
			if (h->key && m.key_type)
				btfval_json(&j, "key", m.btf, m.key_type, h->key, m.h.key_size,
					    BTFVAL_BPFTOOL);
			else if (h->key)
				json_hexbytes(&j, "key", h->key, m.h.key_size);
			else
				json_null(&j, "key");
			hist_json(&j, "slots", h);
			json_close(&j, '}');
			continue;
		}
		if (h->key) {
			entry_text_key(&m, stdout, h->key);
			puts(":");
		}
		hist_text(stdout, h);
	}
	if (r >= 0 && s.json) {
		json_close(&j, ']');
		json_close(&j, '}');
	}
	session_end_map(&s, &m);
	return r;
}
