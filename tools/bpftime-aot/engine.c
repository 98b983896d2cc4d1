/* SPDX-License-Identifier: MIT */
#include "engine.h"

#include <string.h>

#include "jit.h"
#include "load.h"

extern const unsigned char bpftime_rt_archive[], bpftime_rt_archive_end[];

struct engine {
	const struct unit *u;
	struct jit *jit;
	struct lnk_loaded loaded;	/* the hook object; for jit, its runtime and maps */
};

int engine_kind_of(const char *name, enum engine_kind *out, struct diags *dg)
{
	if (!name || !strcmp(name, "aot"))
		*out = ENGINE_AOT;
	else if (!strcmp(name, "jit"))
		*out = ENGINE_JIT;
	else
		return diag(dg, DIAG_U001, at_file("--engine"), "%s: aot or jit", name);
	return 0;
}

static int open_aot(struct arena *a, const struct unit *u, const struct vfy_result *const *facts,
		    const struct compile_opts *opts, struct engine *e, struct diags *dg)
{
	struct bytes obj, archive = {
		bpftime_rt_archive, (size_t)(bpftime_rt_archive_end - bpftime_rt_archive)
	};
	struct lnk *l = lnk_new(a, archive);
	int r = compile_object(a, u, facts, opts, &obj, dg);

	if (r < 0 || (r = lnk_add_object(l, u->path, obj, true, dg)) < 0)
		return r;
	return lnk_load_here(l, PAYLOAD_PRIVATE, &e->loaded, dg);
}

static uint64_t symbol(void *arg, const char *name)
{
	const struct engine *e = arg;
	uint64_t vaddr = 0;

	return lnk_symbol(e->loaded.lnk, name, &vaddr) ? vaddr : 0;
}

static void *map_base(void *arg, size_t map)
{
	const struct engine *e = arg;
	const struct bpftime_map *m = lnk_loaded_map(&e->loaded, e->u->map[map].name);
	void **slot = m ? BPFTIME_REL(void *, m->slot_rel) : NULL;

	if (m && m->room_rel)
		return BPFTIME_REL(void, m->room_rel);
	return slot ? *slot : NULL;
}

int engine_open(struct arena *a, enum engine_kind kind, const struct unit *u,
		const struct vfy_result *const *facts, const struct compile_opts *opts,
		struct engine **out, struct diags *dg)
{
	struct engine *e = arena_alloc(a, sizeof(*e));
	struct compile_opts o = *opts;
	int r;

	e->u = u;
	o.vm = true;
	r = open_aot(a, u, facts, &o, e, dg);
	if (r >= 0 && kind == ENGINE_JIT)
		r = jit_open(u, facts, &o, &(struct jit_env){ symbol, map_base, e }, &e->jit, dg);
	if (r < 0) {
		engine_close(e);
		return r;
	}
	*out = e;
	return 0;
}

void engine_close(struct engine *e)
{
	if (!e)
		return;
	jit_close(e->jit);
	lnk_unload(&e->loaded);
}

engine_fn *engine_prog(const struct engine *e, size_t i)
{
	if (e->jit)
		return jit_prog(e->jit, i);
	return lnk_loaded_body(&e->loaded, e->u->prog[i].name);
}
