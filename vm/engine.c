/* SPDX-License-Identifier: MIT */
#include "engine.h"

#include <string.h>

#include "jit.h"
#include "load.h"
#include "rt_archive.h"

struct engine {
	struct arena *a;
	const struct unit *u;
	const struct vfy_result *const *facts;
	struct compile_opts opts;
	struct diags *dg;	/* while it is being opened */
	struct jit   *jit;
	struct lnk_loaded loaded;	/* loaded.lnk NULL: not needed so far */
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

static void *extern_at(void *arg, const struct objfmt_extern *row, const char *name)
{
	const struct unit *u = arg;

	(void)name;
	for (size_t i = 0; i < u->n_ext; i++)
		if (u->ext[i].id == row->id)
			return u->ext[i].at;
	return NULL;
}

static int load(struct engine *e)
{
	struct bytes obj, archive = rt_archive();
	struct lnk *l = lnk_new(e->a, archive);
	int r = compile_object(e->a, e->u, e->facts, &e->opts, &obj, e->dg);

	if (r < 0 || (r = lnk_add_object(l, e->u->path, obj, true, e->dg)) < 0 ||
	    (r = lnk_load_here(l, PAYLOAD_PRIVATE, &e->loaded, e->dg)) < 0)
		return r;
	return lnk_loaded_bind(&e->loaded, extern_at, (void *)(uintptr_t)e->u, e->dg);
}

static bool need_loaded(struct engine *e)
{
	return e->loaded.lnk || load(e) >= 0;
}

static uint64_t symbol(void *arg, const char *name)
{
	struct engine *e = arg;
	uint64_t vaddr = 0;

	return need_loaded(e) && lnk_symbol(e->loaded.lnk, name, &vaddr) ? vaddr : 0;
}

static void *map_base(void *arg, size_t map)
{
	struct engine *e = arg;
	const struct bpftime_map *m =
		need_loaded(e) ? lnk_loaded_map(&e->loaded, e->u->map[map].name) : NULL;

	return m ? lnk_loaded_base(m) : NULL;
}

int engine_open(struct arena *a, enum engine_kind kind, const struct unit *u,
		const struct vfy_result *const *facts, const struct compile_opts *opts,
		struct engine **out, struct diags *dg)
{
	struct engine *e = arena_alloc(a, sizeof(*e));
	int r;

	*e = (struct engine){ .a = a, .u = u, .facts = facts, .opts = *opts, .dg = dg };
	e->opts.vm = true;
	if (kind == ENGINE_JIT)
		r = jit_open(u, facts, &e->opts, &(struct jit_env){ symbol, map_base, e }, &e->jit, dg);
	else
		r = load(e);
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

const struct lnk_loaded *engine_loaded(const struct engine *e)
{
	return e->loaded.lnk ? &e->loaded : NULL;
}
