/* SPDX-License-Identifier: MIT */
#include "entry.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "btfval.h"
#include "rt_maps.h"
#include "text.h"

/* What the runtime's errno means to somebody at a terminal. */
static int refuse(const struct mapfile *m, const char *what, int err, struct diags *dg)
{
	struct loc at = at_file(m->ref.label);

	switch (-err) {
	case EPERM:
		return diag(dg, DIAG_M008, at, "it is read-only or write-only");
	case EBADF:
	case EINVAL:
		if (map_holds_maps(m->h.type))
			return diag(dg, DIAG_M007, at, "not a map like those in it");
		break;
	case ENOENT:
		return diag(dg, DIAG_M006, at, "the key is not there");
	case EEXIST:
		return diag(dg, DIAG_M007, at, "the key is there already");
	case E2BIG:
		return diag(dg, DIAG_M007, at, "%" PRIu32 " entries are all it holds",
			    m->h.max_entries);
	case EBUSY:
		return diag(dg, DIAG_M007, at, "a process holds a lock in it");
	case ENOMEM:
		return diag(dg, DIAG_M007, at, "no room is left in it");
	}
	return diag(dg, DIAG_M008, at, "an entry of a map of kind %s cannot be %s",
		    map_row(m->h.type)->name, what);
}

struct order {
	size_t bytes;
	bool   number, is_signed;
};

static int64_t load_number(const uint8_t *p, size_t n, bool is_signed)
{
	uint64_t v = 0;

	memcpy(&v, p, n);
	if (is_signed && n < 8 && v >> (8 * n - 1) & 1)
		v |= UINT64_MAX << 8 * n;
	return (int64_t)v;
}

static int compare(const void *x, const void *y, void *arg)
{
	const struct order *o = arg;

	if (!o->number)
		return memcmp(x, y, o->bytes);
	int64_t a = load_number(x, o->bytes, o->is_signed);
	int64_t b = load_number(y, o->bytes, o->is_signed);

	return o->is_signed ? (a > b) - (a < b)
			    : ((uint64_t)a > (uint64_t)b) - ((uint64_t)a < (uint64_t)b);
}

static bool number_size(size_t n)
{
	return n == 1 || n == 2 || n == 4 || n == 8;
}

static bool is_number(const struct mapfile *m, uint32_t type, size_t bytes, bool *is_signed)
{
	*is_signed = false;
	return type ? btfval_is_scalar(m->btf, type, is_signed) : number_size(bytes);
}

static struct order order_of(const struct mapfile *m)
{
	struct order o = { .bytes = m->h.key_size };

	o.number = is_number(m, m->key_type, o.bytes, &o.is_signed);
	return o;
}

int64_t entry_find(const struct mapfile *m, const struct entry_keys *keys, const void *key)
{
	struct order order = order_of(m);
	size_t low = 0, high = keys->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int r = compare(keys->key + mid * order.bytes, key, &order);

		if (!r)
			return (int64_t)mid;
		if (r < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return -1;
}

int entry_keys(const struct mapfile *m, struct arena *a, struct entry_keys *out,
	       struct diags *dg)
{
	size_t size = m->h.key_size, cap = 0, n = 0, kept = 0;
	struct order order = order_of(m);
	uint8_t *keys = NULL;
	int r = 0;

	*out = (struct entry_keys){ 0 };
	if (!size)
		return refuse(m, "listed", -EINVAL, dg);
	/* A key that is deleted while we stand on it starts the walk over: the same keys come
	 * again, and the number of steps is what ends it. */
	for (uint64_t steps = 0; steps <= 2ull * m->h.max_entries; steps++) {
		if (n == cap) {
			uint8_t *grown = arena_array(a, cap ? 2 * cap : 64, size);

			if (n)
				memcpy(grown, keys, n * size);
			keys = grown;
			cap = cap ? 2 * cap : 64;
		}
		r = rt_map_next_key(&m->m, m->base, n ? keys + (n - 1) * size : NULL,
				    keys + n * size);
		if (r)
			break;
		n++;
	}
	if (r && r != -ENOENT)
		return refuse(m, "listed", r, dg);
	if (n)
		qsort_r(keys, n, size, compare, &order);
	for (size_t i = 0; i < n; i++)
		if (!i || memcmp(keys + (kept - 1) * size, keys + i * size, size))
			memmove(keys + kept++ * size, keys + i * size, size);
	*out = (struct entry_keys){ keys, kept };
	return 0;
}

int entry_get(const struct mapfile *m, const void *key, void *value, struct diags *dg)
{
	uint32_t index;
	int r = 0;

	if (m->h.type == MAP_TYPE_cgroup_array) {	/* bpf() does not show them */
		memcpy(&index, key, sizeof(index));
		*(uint64_t *)value = rt_map_cgroup(&m->m, m->base, index);
		r = *(uint64_t *)value ? 0 : -ENOENT;
	} else {
		r = rt_map_lookup(&m->m, m->base, key, value, 0);
	}
	return r ? refuse(m, "looked up", r, dg) : 0;
}

int entry_set(const struct mapfile *m, const void *key, const void *value, uint64_t flags,
	      struct diags *dg)
{
	int r = rt_map_update(&m->m, m->base, key, value, flags);

	return r ? refuse(m, "stored", r, dg) : 0;
}

int entry_delete(const struct mapfile *m, const void *key, struct diags *dg)
{
	int r = rt_map_delete(&m->m, m->base, key);

	return r ? refuse(m, "deleted", r, dg) : 0;
}

int entry_take(const struct mapfile *m, void *keys, void *values, uint32_t room, uint32_t *n,
	       struct entry_cursor *at, struct diags *dg)
{
	struct rt_batch b = { .in = at->begun ? &at->bucket : NULL, .out = &at->bucket, .keys = keys,
			      .values = values, .count = room };
	int r = rt_map_take_batch(&m->m, m->base, &b);

	/* What is refused at once leaves the count as it was. */
	*n = !r || r == -ENOENT || r == -ENOSPC || r == -EBUSY ? b.count : 0;
	at->begun = true;
	if (r == -ENOENT)
		return 0;
	return r && r != -ENOSPC ? refuse(m, "taken out", r, dg) : 1;
}

/* ---- showing ---- */

const char *entry_inner_name(const void *value)
{
	const struct mapfmt_ref *ref = value;

	return memchr(ref->name, 0, sizeof(ref->name)) ? ref->name : "?";
}

static void json_bytes(struct json *j, const char *name, const uint8_t *p, size_t n)
{
	char hex[8];

	json_open(j, name, '[');
	for (size_t i = 0; i < n; i++) {
		snprintf(hex, sizeof(hex), "0x%02x", p[i]);
		json_str(j, NULL, hex);
	}
	json_close(j, ']');
}

/* One value, or {"cpu":N,"value":..} for each CPU; by BTF or as bytes. */
static void json_value(const struct mapfile *m, struct json *j, const uint8_t *value, bool by_btf)
{
	if (m->percpu)
		json_open(j, "values", '[');
	for (uint32_t i = 0; i < (m->percpu ? m->cpus : 1); i++) {
		const uint8_t *v = value + i * m->stride;

		if (m->percpu) {
			json_open(j, NULL, '{');
			json_u64(j, "cpu", i);
		}
		if (map_holds_maps(m->h.type))
			json_str(j, "value", entry_inner_name(v));
		else if (m->h.type == MAP_TYPE_cgroup_array)
			json_u64(j, "value", (uint64_t)load_number(v, 8, false));
		else if (by_btf)
			btfval_json(j, "value", m->btf, m->value_type, v, m->h.value_size,
				    BTFVAL_BPFTOOL);
		else
			json_bytes(j, "value", v, m->h.value_size);
		if (m->percpu)
			json_close(j, '}');
	}
	if (m->percpu)
		json_close(j, ']');
}

void entry_json(const struct mapfile *m, struct json *j, const void *key, const void *value)
{
	json_open(j, NULL, '{');
	json_bytes(j, "key", key, m->h.key_size);
	json_value(m, j, value, false);
	if (m->value_type) {
		json_open(j, "formatted", '{');
		if (m->key_type)
			btfval_json(j, "key", m->btf, m->key_type, key, m->h.key_size,
				    BTFVAL_BPFTOOL);
		json_value(m, j, value, true);
		json_close(j, '}');
	}
	json_close(j, '}');
}

static void text_of(const struct mapfile *m, FILE *out, uint32_t type, const uint8_t *p, size_t n)
{
	if (type) {
		btfval_text(out, m->btf, type, p, n);
	} else if (number_size(n)) {
		fprintf(out, "%" PRIu64, (uint64_t)load_number(p, n, false));
	} else {
		for (size_t i = 0; i < n; i++)
			fprintf(out, i ? " %02x" : "%02x", p[i]);
	}
}

void entry_text_key(const struct mapfile *m, FILE *out, const void *key)
{
	text_of(m, out, m->key_type, key, m->h.key_size);
}

void entry_text_value(const struct mapfile *m, FILE *out, const void *value)
{
	int64_t sum;

	if (map_holds_maps(m->h.type)) {
		text_put_clean(out, entry_inner_name(value));
		return;
	}
	if (m->h.type == MAP_TYPE_cgroup_array) {
		fprintf(out, "%" PRIu64, (uint64_t)load_number(value, 8, false));
		return;
	}
	if (!m->percpu) {
		text_of(m, out, m->value_type, value, m->h.value_size);
		return;
	}
	if (entry_number(m, value, &sum))
		fprintf(out, "%" PRId64 " = ", sum);
	for (uint32_t i = 0; i < m->cpus; i++) {
		fprintf(out, "%scpu%" PRIu32 " ", i ? ", " : "", i);
		text_of(m, out, m->value_type, (const uint8_t *)value + i * m->stride,
			m->h.value_size);
	}
}

void entry_text(const struct mapfile *m, FILE *out, const void *key, const void *value)
{
	entry_text_key(m, out, key);
	fputs(": ", out);
	entry_text_value(m, out, value);
	fputc('\n', out);
}

bool entry_number(const struct mapfile *m, const void *value, int64_t *v)
{
	bool is_signed;

	if (map_holds_maps(m->h.type) || m->h.type == MAP_TYPE_cgroup_array)
		return false;
	if (!is_number(m, m->value_type, m->h.value_size, &is_signed))
		return false;
	*v = 0;
	for (uint32_t i = 0; i < (m->percpu ? m->cpus : 1); i++)
		*v = (int64_t)((uint64_t)*v +
			       (uint64_t)load_number((const uint8_t *)value + i * m->stride,
						     m->h.value_size, is_signed));
	return true;
}
