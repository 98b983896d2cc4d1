/* SPDX-License-Identifier: MIT
 *
 * dump, get, set, del: the entries of a map. */
#include <string.h>

#include "cmd.h"
#include "entry.h"
#include "inner.h"
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

/* get, set and del: a map, a key, and words behind it. */
struct request {
	struct session s;
	struct mapfile m;
	struct buffers b;
	char  **word;		/* behind what was read */
	size_t  n_word;
};

/* Opens the map and reads the key.  On success call session_end_map(). */
static int begin(struct request *q, const struct opts *o, const char *command, size_t min,
		 struct diags *dg)
{
	int r = session_begin_map(&q->s, o, command, min, ANY_NUMBER, &q->m, dg);

	if (r < 0)
		return r;
	q->word = o->arg + 1;
	q->n_word = o->n_arg - 1;
	q->b = buffers(&q->s, &q->m);
	r = entry_parse_key(&q->m, &q->word, &q->n_word, q->b.key, dg);
	if (r < 0)
		session_end_map(&q->s, &q->m);
	return r;
}

static int no_more(const struct request *q, struct diags *dg)
{
	return q->n_word ? diag(dg, DIAG_U001, at_file(*q->word), "too many arguments") : 0;
}

int cmd_get(const struct opts *o, struct diags *dg)
{
	struct json j = json_on(stdout);
	struct request q;
	int r = begin(&q, o, "get", 2, dg);

	if (r < 0)
		return r;
	if ((r = no_more(&q, dg)) >= 0 && (r = entry_get(&q.m, q.b.key, q.b.value, dg)) >= 0) {
		if (q.s.json) {
			entry_json(&q.m, &j, q.b.key, q.b.value);
		} else {
			entry_text_value(&q.m, stdout, q.b.value);
			putchar('\n');
		}
	}
	session_end_map(&q.s, &q.m);
	return r;
}

/* Takes the word that says when to store, if it is one; returns enum map_update_flags. */
static uint64_t take_mode(struct request *q)
{
	static const char *const modes[] = {
		[MAP_ANY] = "any", [MAP_NOEXIST] = "noexist", [MAP_EXIST] = "exist",
	};

	for (uint64_t i = 0; q->n_word && i < sizeof(modes) / sizeof(modes[0]); i++)
		if (!strcmp(*q->word, modes[i])) {
			q->word++;
			q->n_word--;
			return i;
		}
	return MAP_ANY;
}

static int parse_value(struct request *q, struct diags *dg)
{
	if (!map_holds_maps(q->m.h.type) || !q->n_word)
		return entry_parse_value(&q->m, &q->word, &q->n_word, q->b.value, dg);
	q->n_word--;
	return inner_find(&q->s.dir, q->s.a, &q->m, *q->word++, q->b.value, dg);
}

int cmd_set(const struct opts *o, struct diags *dg)
{
	struct request q;
	uint64_t flags;
	int r = begin(&q, o, "set", 3, dg);

	if (r < 0)
		return r;
	r = parse_value(&q, dg);
	if (r >= 0) {
		flags = take_mode(&q);
		r = no_more(&q, dg);
	}
	if (r >= 0)
		r = entry_set(&q.m, q.b.key, q.b.value, flags, dg);
	session_end_map(&q.s, &q.m);
	return r;
}

int cmd_del(const struct opts *o, struct diags *dg)
{
	struct request q;
	int r = begin(&q, o, "del", 2, dg);

	if (r < 0)
		return r;
	if ((r = no_more(&q, dg)) >= 0)
		r = entry_delete(&q.m, q.b.key, dg);
	session_end_map(&q.s, &q.m);
	return r;
}
