/* SPDX-License-Identifier: MIT
 *
 * dump, get, set, del: the entries of a map. */
#include <string.h>

#include "cmd.h"
#include "entry.h"
#include "json.h"

/* Buffers for one entry. */
struct buffers {
	void *key, *value;
};

static struct buffers buffers(struct session *s, const struct mapfile *m)
{
	return (struct buffers){ arena_alloc(s->a, m->h.key_size + 8),
				 arena_alloc(s->a, m->value_bytes + 8) };
}

static int dump(struct session *s, const struct mapfile *m, struct diags *dg)
{
	struct json j = json_on(stdout);
	struct buffers b = buffers(s, m);
	struct entry_keys keys;
	int r = entry_keys(m, s->a, &keys, dg);

	if (r < 0)
		return r;
	if (s->json)
		json_open(&j, NULL, '[');
	for (size_t i = 0; r >= 0 && i < keys.n; i++) {
		struct diags one = { 0 };

		memcpy(b.key, keys.key + i * m->h.key_size, m->h.key_size);
		r = entry_get(m, b.key, b.value, &one);
		if (r == -DIAG_M006)	/* deleted since */
			r = 0;
		else if (r < 0)
			diag(dg, one.first, at_file(m->ref.label), "%s", one.first_text);
		else if (s->json)
			entry_json(m, &j, b.key, b.value);
		else
			entry_text(m, stdout, b.key, b.value);
	}
	if (s->json)
		json_close(&j, ']');
	return r;
}

int cmd_dump(const struct opts *o, struct diags *dg)
{
	struct mapfile m;
	struct session s;
	int r = session_begin_map(&s, o, "dump", 1, 1, &m, dg);

	if (r < 0)
		return r;
	r = dump(&s, &m, dg);
	session_end_map(&s, &m);
	return r;
}

static int extra(size_t n_word, char **word, struct diags *dg)
{
	return n_word ? diag(dg, DIAG_U001, at_file(*word), "too many arguments") : 0;
}

int cmd_get(const struct opts *o, struct diags *dg)
{
	char **word;
	size_t n;
	struct json j = json_on(stdout);
	struct mapfile m;
	struct session s;
	struct buffers b;
	int r = session_begin_map(&s, o, "get", 2, ANY_NUMBER, &m, dg);

	if (r < 0)
		return r;
	word = o->arg + 1;
	n = o->n_arg - 1;
	b = buffers(&s, &m);
	r = entry_parse_key(&m, &word, &n, b.key, dg);
	if (r >= 0)
		r = extra(n, word, dg);
	if (r >= 0)
		r = entry_get(&m, b.key, b.value, dg);
	if (r >= 0 && s.json) {
		entry_json(&m, &j, b.key, b.value);
	} else if (r >= 0) {
		entry_text_value(&m, stdout, b.value);
		putchar('\n');
	}
	session_end_map(&s, &m);
	return r;
}

int cmd_set(const struct opts *o, struct diags *dg)
{
	static const char *const modes[] = { "any", "noexist", "exist" };
	char **word;
	size_t n;
	uint64_t flags = MAP_ANY;
	struct mapfile m;
	struct session s;
	struct buffers b;
	int r = session_begin_map(&s, o, "set", 3, ANY_NUMBER, &m, dg);

	if (r < 0)
		return r;
	word = o->arg + 1;
	n = o->n_arg - 1;
	b = buffers(&s, &m);
	r = entry_parse_key(&m, &word, &n, b.key, dg);
	if (r >= 0)
		r = entry_parse_value(&m, &word, &n, b.value, dg);
	for (uint64_t i = 0; r >= 0 && n && i < 3; i++) {
		if (!strcmp(*word, modes[i])) {
			flags = i;
			word++;
			n--;
			break;
		}
	}
	if (r >= 0)
		r = extra(n, word, dg);
	if (r >= 0)
		r = entry_set(&m, b.key, b.value, flags, dg);
	session_end_map(&s, &m);
	return r;
}

int cmd_del(const struct opts *o, struct diags *dg)
{
	char **word;
	size_t n;
	struct mapfile m;
	struct session s;
	struct buffers b;
	int r = session_begin_map(&s, o, "del", 2, ANY_NUMBER, &m, dg);

	if (r < 0)
		return r;
	word = o->arg + 1;
	n = o->n_arg - 1;
	b = buffers(&s, &m);
	r = entry_parse_key(&m, &word, &n, b.key, dg);
	if (r >= 0)
		r = extra(n, word, dg);
	if (r >= 0)
		r = entry_delete(&m, b.key, dg);
	session_end_map(&s, &m);
	return r;
}
