/* SPDX-License-Identifier: MIT
 *
 * watch: the entries of a map as they change. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd.h"
#include "entry.h"
#include "text.h"

/* One look at the map: keys in order, their values next to them. */
struct look {
	struct arena *a;
	struct entry_keys keys;
	uint8_t *value;
	bool    *there;		/* false: the entry went while we looked */
};

static int look(const struct mapfile *m, struct look *l, struct diags *dg)
{
	void *key;
	int r;

	l->a = arena_new();
	key = arena_alloc(l->a, m->h.key_size + 8);
	r = entry_keys(m, l->a, &l->keys, dg);
	l->value = arena_array(l->a, l->keys.n + 1, m->value_bytes);
	l->there = arena_array(l->a, l->keys.n + 1, sizeof(*l->there));
	for (size_t i = 0; r >= 0 && i < l->keys.n; i++) {
		struct diags one = { 0 };
		/* Values are copied by whole words: a scratch of their own keeps them aligned. */
		void *v = arena_alloc(l->a, m->value_bytes + 8);

		memcpy(key, l->keys.key + i * m->h.key_size, m->h.key_size);
		l->there[i] = entry_get(m, key, v, &one) >= 0;
		memcpy(l->value + i * m->value_bytes, v, m->value_bytes);
	}
	return r;
}

static const uint8_t *value_of(const struct mapfile *m, const struct look *l, const uint8_t *key)
{
	int64_t i = entry_find(m, &l->keys, key);

	return i >= 0 && l->there[i] ? l->value + (size_t)i * m->value_bytes : NULL;
}

static void print_changes(const struct mapfile *m, const struct look *was, const struct look *is)
{
	for (size_t i = 0; i < is->keys.n; i++) {
		const uint8_t *key = is->keys.key + i * m->h.key_size;
		const uint8_t *now = is->value + i * m->value_bytes;
		const uint8_t *old = value_of(m, was, key);
		int64_t a, b;

		if (!is->there[i] || (old && !memcmp(old, now, m->value_bytes)))
			continue;
		entry_text_key(m, stdout, key);
		fputs(": ", stdout);
		entry_text_value(m, stdout, now);
		if (old && entry_number(m, old, &a) && entry_number(m, now, &b))
			printf(" (%+lld)", (long long)(b - a));
		putchar('\n');
	}
	for (size_t i = 0; i < was->keys.n; i++) {
		const uint8_t *key = was->keys.key + i * m->h.key_size;

		if (!was->there[i] || value_of(m, is, key))
			continue;
		entry_text_key(m, stdout, key);
		puts(": gone");
	}
	fflush(stdout);
}

static int watch(const struct mapfile *m, double seconds, unsigned long looks, struct diags *dg)
{
	struct timespec pause = { (time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9) };
	struct look was = { .a = arena_new() };
	int r = 0;

	for (unsigned long i = 0; r >= 0 && (!looks || i < looks) && !ferror(stdout); i++) {
		struct look is;

		if (i)
			nanosleep(&pause, NULL);
		r = look(m, &is, dg);
		if (r >= 0)
			print_changes(m, &was, &is);
		arena_free(was.a);
		was = is;
	}
	arena_free(was.a);
	return r;
}

int cmd_watch(const struct opts *o, struct diags *dg)
{
	double seconds = 1;
	unsigned long looks = 0;
	struct mapfile m;
	struct session s;
	int r = opts_seconds(o, "interval", &seconds, dg);

	if (r >= 0)
		r = opts_count(o, "count", &looks, dg);
	if (r >= 0)
		r = session_begin_map(&s, o, "watch", 1, 1, &m, dg);
	if (r < 0)
		return r;
	r = watch(&m, seconds, looks, dg);
	session_end_map(&s, &m);
	return r;
}
