/* SPDX-License-Identifier: MIT
 *
 * dump, get, set, del, take, freeze: the entries of a map. */
#include <errno.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "cmd.h"
#include "entry.h"
#include "inner.h"
#include "json.h"
#include "pages.h"
#include "rt_maps.h"

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
	int r;

	if (m->h.type == MAP_TYPE_arena)
		return s->json ? pages_json(m, &j, dg) : pages_text(m, stdout, dg);
	r = entry_keys(m, s->a, &keys, dg);

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

/* A cgroup by its folder, or its id. */
static int parse_cgroup(struct request *q, struct diags *dg)
{
	const char *word = *q->word++;
	struct statfs fs;
	struct stat st;
	uint64_t id;
	char *end;

	q->n_word--;
	id = strtoull(word, &end, 0);
	if (*word != '/' && (!*word || *end || !id))
		return diag(dg, DIAG_M005, at_file(word), "neither a cgroup's folder nor its id");
	if (*word == '/') {
		if (statfs(word, &fs) || stat(word, &st))
			return diag(dg, DIAG_E001, at_file(word), "%s", strerror(errno));
		if (fs.f_type != CGROUP2_SUPER_MAGIC || !S_ISDIR(st.st_mode))
			return diag(dg, DIAG_M005, at_file(word), "not a folder of the unified hierarchy");
		id = st.st_ino;
	}
	memcpy(q->b.value, &id, sizeof(id));
	return 0;
}

static int parse_value(struct request *q, struct diags *dg)
{
	if (q->m.h.type == MAP_TYPE_cgroup_array && q->n_word)
		return parse_cgroup(q, dg);
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

static int take(struct session *s, const struct mapfile *m, struct diags *dg)
{
	struct entry_cursor at = { 0 };
	uint32_t room = 256, n;
	uint8_t *keys = NULL, *values = NULL;
	struct json j = json_on(stdout);
	int r;

	if (s->json)
		json_open(&j, NULL, '[');
	do {
		if (!keys) {
			keys = arena_array(s->a, room, m->h.key_size);
			values = arena_array(s->a, room, m->value_bytes);
		}
		r = entry_take(m, keys, values, room, &n, &at, dg);
		for (uint32_t i = 0; i < n; i++)
			if (s->json)
				entry_json(m, &j, keys + (size_t)i * m->h.key_size, values + i * m->value_bytes);
			else
				entry_text(m, stdout, keys + (size_t)i * m->h.key_size,
					   values + i * m->value_bytes);
		if (r > 0 && !n) {	/* one bucket has more entries than there is room for */
			room = room < m->h.max_entries ? room * 2 : m->h.max_entries;
			keys = NULL;
		}
	} while (r > 0);
	if (s->json)
		json_close(&j, ']');
	return r;
}

int cmd_take(const struct opts *o, struct diags *dg)
{
	struct mapfile m;
	struct session s;
	int r = session_begin_map(&s, o, "take", 1, 1, &m, dg);

	if (r < 0)
		return r;
	r = take(&s, &m, dg);
	session_end_map(&s, &m);
	return r;
}

int cmd_freeze(const struct opts *o, struct diags *dg)
{
	struct mapfile m;
	struct session s;
	int r = session_begin_map(&s, o, "freeze", 1, 1, &m, dg);

	if (r < 0)
		return r;
	if (rt_map_freeze(&m.m, m.base))
		r = diag(dg, DIAG_M008, at_file(m.ref.label), "it is read-only already");
	session_end_map(&s, &m);
	return r;
}
