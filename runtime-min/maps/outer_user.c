/* SPDX-License-Identifier: MIT
 *
 * outer_user.c - maps of maps as processes see them: a value is a struct mapfmt_ref. */
#include "outer.h"
#include "rt_maps.h"

static struct mapfmt_inner *template_of(void *base)
{
	return (struct mapfmt_inner *)((char *)rt_header(base) + MAPFMT_KIND_OFF);
}

struct mapfmt_inner rt_map_template(rt_map m)
{
	return (struct mapfmt_inner){ m->type, m->key_size, m->value_size, m->max_entries,
				      m->flags, m->lock };
}

bool rt_map_fits(const struct mapfmt_inner *t, rt_map m)
{
	struct mapfmt_inner in = rt_map_template(m);

	return mapfmt_fits(t, &in);
}

bool rt_map_same_template(const struct mapfmt_inner *in, rt_map m)
{
	const struct bpftime_map *t = BPFTIME_REL(const struct bpftime_map, m->inner_rel);

	return !map_holds_maps(m->type) || !t || rt_map_fits(in, t);
}

/* Kernel: bpf_map_fd_get_ptr(). */
static int check_ref(void *base, const struct mapfmt_ref *r)
{
	struct mapfmt_inner in = { r->type, r->key_size, r->value_size, r->max_entries, r->flags,
				   r->lock };

	if (!r->birth || !r->name[0] || r->name[sizeof(r->name) - 1] || r->where > MAPFMT_IN_PINNED)
		return -RT_EBADF;
	return mapfmt_fits(template_of(base), &in) ? 0 : -RT_EINVAL;
}

static uint64_t size(rt_map m)
{
	struct bpftime_map h = rt_outer_hash(m);

	return rt_hash_size(&h, 0);
}

static void format(rt_map m, void *base, uint32_t cpus)
{
	struct bpftime_map h = rt_outer_hash(m);
	const struct bpftime_map *t = BPFTIME_REL(const struct bpftime_map, m->inner_rel);

	rt_hash_format(&h, base, cpus);
	if (t)
		*template_of(base) = rt_map_template(t);
}

static int read(rt_map m, void *base, const void *key, void *value, uint64_t flags)
{
	struct bpftime_map h = rt_outer_hash(m);

	return rt_hash_read(&h, base, key, value, flags);
}

static int put(rt_map m, void *base, const void *key, const void *value, uint64_t flags)
{
	struct bpftime_map h = rt_outer_hash(m);
	int r = check_ref(base, value);

	return r ? r : rt_hash_write(&h, base, key, value, flags);
}

int rt_outer_put(rt_map m, void *base, const uint32_t *key, const struct mapfmt_ref *ref)
{
	if (m->type == MAP_TYPE_array_of_maps)
		return rt_array_of_maps_write(m, base, key, ref, 0);
	return rt_hash_of_maps_write(m, base, key, ref, 0);
}

/* ---- array_of_maps ---- */

int rt_array_of_maps_check(rt_map m)
{
	return m->max_entries ? rt_fd_array_check(m, 0) : -RT_EINVAL;
}

uint64_t rt_array_of_maps_size(rt_map m, uint32_t cpus)
{
	(void)cpus;
	return m->max_entries >= RT_HASH_END / 2 ? 0 : size(m);
}

void rt_array_of_maps_format(rt_map m, void *base, uint32_t cpus)
{
	format(m, base, cpus);
}

int rt_array_of_maps_read(rt_map m, void *base, const void *key, void *value, uint64_t flags)
{
	return read(m, base, key, value, flags);
}

/* Kernel: bpf_fd_array_map_update_elem(). */
int rt_array_of_maps_write(rt_map m, void *base, const void *key, const void *value,
			   uint64_t flags)
{
	if (flags)
		return -RT_EINVAL;
	if (rt_index(key) >= m->max_entries)
		return -RT_E2BIG;
	return put(m, base, key, value, 0);
}

int rt_array_of_maps_next(rt_map m, void *base, const void *key, void *next)
{
	(void)base;
	return rt_index_next(m, key, next);
}

/* ---- hash_of_maps ---- */

int rt_hash_of_maps_check(rt_map m)
{
	struct bpftime_map h = *m;

	if (m->value_size != 4)
		return -RT_EINVAL;
	h.type = MAP_TYPE_hash;
	return rt_hash_check(&h);
}

uint64_t rt_hash_of_maps_size(rt_map m, uint32_t cpus)
{
	(void)cpus;
	return size(m);
}

void rt_hash_of_maps_format(rt_map m, void *base, uint32_t cpus)
{
	format(m, base, cpus);
	if (m->flags & MAP_F_ZERO_SEED)
		((struct rt_hash *)base)->seed = 0;
}

int rt_hash_of_maps_read(rt_map m, void *base, const void *key, void *value, uint64_t flags)
{
	return read(m, base, key, value, flags);
}

/* Kernel: bpf_fd_htab_map_update_elem(). */
int rt_hash_of_maps_write(rt_map m, void *base, const void *key, const void *value,
			  uint64_t flags)
{
	return put(m, base, key, value, flags);
}

int rt_hash_of_maps_next(rt_map m, void *base, const void *key, void *next)
{
	struct bpftime_map h = rt_outer_hash(m);

	return rt_hash_next(&h, base, key, next);
}
