/* SPDX-License-Identifier: MIT
 *
 * module_note.c - the map RT_MODULES_FILE: addresses in stacks mean something as long as one knows
 * what was loaded where. */
#include "modules.h"

#include "arch/x86_64/sys.h"
#include "dir.h"
#include "files.h"
#include "init.h"
#include "maps.h"
#include "maps/hash_slow.h"
#include "mem.h"
#include "read.h"
#include "rt.h"
#include "text.h"

enum {
	NOT_OPEN = 0, OPEN = -1, NOWHERE = -2,	/* else: pid of the process that opens it */
};

static const struct bpftime_map map = {
	.version = OBJFMT_MAP_VERSION, .size = sizeof(map), .type = MAP_TYPE_lru_hash,
	.key_size = sizeof(struct rt_module_key), .value_size = sizeof(struct rt_module_record),
	.max_entries = RT_MODULES_ENTRIES,
};
static void *base;
static int32_t state;

/* Who finds another thread at it comes back at the next stack. */
static bool open_map(void)
{
	int32_t me = (int32_t)rt_sys0(SYS_getpid), was = rt_load_acquire(&state);
	int64_t dir;

	if (was == OPEN || was == NOWHERE || was == me || !rt_cas(&state, &was, me))
		return was == OPEN;
	dir = rt_dir_open();
	if (dir >= 0) {
		base = rt_map_attach(&(struct rt_wanted){ .m = &map, .kind = bpftime_rt1_kind_lru_hash,
							  .name = RT_MODULES_FILE, .object = "",
							  .stamp = bpftime_rt1_payload.id }, dir);
		rt_sys1(SYS_close, dir);
	}
	rt_store_release(&state, base ? OPEN : NOWHERE);
	return base;
}

static void find_path(const struct rt_module *m, struct rt_module_record *r)
{
	uint64_t n;

	if (m->name) {
		n = rt_read_some(r->path, m->name, sizeof(r->path) - 1);
	} else {
		int64_t got = rt_sys4(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", r->path, sizeof(r->path) - 1);

		n = got > 0 ? (uint64_t)got : 0;
		if (!n)		/* no /proc: as it was when it was patched */
			rt_put_all(r->path, sizeof(r->path), BPFTIME_REL(const char, bpftime_rt1_payload.target_rel));
	}
	for (uint64_t i = 0; i < n; i++)
		if (!r->path[i])
			n = i;
	if (n == sizeof(r->path) - 1)	/* cut */
		n = 0;
	if (n || m->name)
		rt_zero(r->path + n, sizeof(r->path) - n);
}

bool rt_module_note(const struct rt_module *m)
{
	struct rt_module_record r = { .end = m->end, .bias = m->bias };
	struct rt_module_key k = { .start = m->start };
	uint64_t hash = 0xcbf29ce484222325;	/* FNV-1a */

	if (rt_load_acquire(&bpftime_rt1_state) != RT_INIT_DONE)
		return false;
	if (!open_map())
		return rt_load(&state) == NOWHERE;
	r.pid = (uint32_t)rt_sys0(SYS_getpid);
	r.build_id_bytes = m->build_id_bytes < sizeof(r.build_id) ? m->build_id_bytes : sizeof(r.build_id);
	if (!rt_read_all(r.build_id, m->build_id, r.build_id_bytes))
		r.build_id_bytes = 0;
	find_path(m, &r);
	for (uint32_t i = 0; r.path[i]; i++)
		hash = (hash ^ (uint8_t)r.path[i]) * 0x100000001b3;
	rt_copy(k.id, r.build_id_bytes >= sizeof(k.id) ? (const void *)r.build_id : (const void *)&hash, sizeof(k.id));
	rt_hash_put((uint64_t)&map, (uint64_t)base, (uint64_t)&k, (uint64_t)&r, 0, 0);
	return true;
}
