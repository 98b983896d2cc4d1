/* SPDX-License-Identifier: MIT
 *
 * map.c - bpf_map_lookup_elem, bpf_map_update_elem, bpf_map_delete_elem.
 *
 * A call whose map is known is one of the function for its kind. */
#include "kinds.h"
#include "rt_helpers.h"

#ifdef RT_BITCODE
#define MAP(id_, name_, key_, value_, place_)                                                     \
	RT_FAST void *bpftime_h_map_lookup_elem_##name_(rt_map m, void *base, const void *key)    \
	{                                                                                         \
		return rt_##name_##_lookup(m, base, key);                                         \
	}                                                                                         \
	RT_FAST uint64_t bpftime_h_map_update_elem_##name_(rt_map m, void *base, const void *key, \
							   const void *value, uint64_t flags)     \
	{                                                                                         \
		return (uint64_t)(int64_t)rt_##name_##_update(m, base, key, value, flags);        \
	}                                                                                         \
	RT_FAST uint64_t bpftime_h_map_delete_elem_##name_(rt_map m, void *base, const void *key) \
	{                                                                                         \
		return (uint64_t)(int64_t)rt_##name_##_remove(m, base, key);                      \
	}
#include "maps.def"
#endif

RT_FAST void *bpftime_h_map_lookup_elem(rt_map m, void *base, const void *key)
{
	switch (m->type) {
#define MAP(id_, name_, key_, value_, place_) case id_: return rt_##name_##_lookup(m, base, key);
#include "maps.def"
	}
	return NULL;
}

RT_FAST static int update(rt_map m, void *base, const void *key, const void *value,
			  uint64_t flags)
{
	switch (m->type) {
#define MAP(id_, name_, key_, value_, place_) case id_: return rt_##name_##_update(m, base, key, value, flags);
#include "maps.def"
	}
	return -RT_EINVAL;
}

RT_FAST static int remove_elem(rt_map m, void *base, const void *key)
{
	switch (m->type) {
#define MAP(id_, name_, key_, value_, place_) case id_: return rt_##name_##_remove(m, base, key);
#include "maps.def"
	}
	return -RT_EINVAL;
}

RT_FAST uint64_t bpftime_h_map_update_elem(rt_map m, void *base, const void *key,
					   const void *value, uint64_t flags)
{
	return (uint64_t)(int64_t)update(m, base, key, value, flags);
}

RT_FAST uint64_t bpftime_h_map_delete_elem(rt_map m, void *base, const void *key)
{
	return (uint64_t)(int64_t)remove_elem(m, base, key);
}
