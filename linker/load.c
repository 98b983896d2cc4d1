/* SPDX-License-Identifier: MIT */
#include "load.h"

#include <string.h>
#include <sys/mman.h>

#include "objfile.h"

static int map(struct lnk_loaded *p, struct bytes rx, struct bytes rw, struct diags *dg)
{
	memcpy(p->base, rx.p, rx.n);
	memcpy(p->base + p->rx_bytes, rw.p, rw.n);
	if (mprotect(p->base, p->rx_bytes, PROT_READ | PROT_EXEC))
		return diag(dg, DIAG_E003, at_file(NULL), "cannot make memory executable");
	return 0;
}

int lnk_load_here(struct lnk *l, uint32_t bits, struct lnk_loaded *out, struct diags *dg)
{
	struct lnk_target t = { .bits = bits, .embedded = true, .start = "bpftime_rt1_init" };
	struct bytes rx, rw;
	struct lnk_size size;
	uint64_t init;
	int err = lnk_layout(l, &t, 0, 0, &size, dg);

	if (err < 0)
		return err;
	*out = (struct lnk_loaded){ .lnk = l };
	out->rx_bytes = obj_whole_pages(size.rx_bytes);
	out->bytes = out->rx_bytes + size.rw_bytes;
	out->base = mmap(NULL, out->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			 0);
	if (out->base == MAP_FAILED)
		return diag(dg, DIAG_E003, at_file(NULL), "%zu bytes for a payload", out->bytes);
	err = lnk_place(l, (uintptr_t)out->base, (uintptr_t)out->base + out->rx_bytes, dg);
	if (err >= 0)
		err = lnk_finish(l, &rx, &rw, dg);
	if (err >= 0)
		err = map(out, rx, rw, dg);
	if (err < 0) {
		lnk_unload(out);
		return err;
	}
	/* 1 means that the runtime is up already, which for a fresh payload it is not; either
	 * way it has said in its control area what it could not do. */
	if (lnk_symbol(l, "bpftime_rt1_init", &init))
		((uint64_t (*)(void))(uintptr_t)init)();
	return 0;
}

void lnk_unload(struct lnk_loaded *p)
{
	if (p->base)
		munmap(p->base, p->bytes);
	p->base = NULL;
}

int64_t lnk_find_hook(const struct lnk *l, const char *prog)
{
	for (size_t i = 0; i < lnk_n_hooks(l); i++)
		if (!strcmp(lnk_hook(l, i)->prog, prog))
			return (int64_t)i;
	return -1;
}

lnk_body_fn *lnk_loaded_body(const struct lnk_loaded *p, const char *prog)
{
	int64_t i = lnk_find_hook(p->lnk, prog);

	return i < 0 ? NULL : (lnk_body_fn *)(uintptr_t)lnk_body_vaddr(p->lnk, (uint32_t)i);
}

const struct bpftime_map *lnk_loaded_map(const struct lnk_loaded *p, const char *name)
{
	const struct bpftime_payload *h = (const struct bpftime_payload *)p->base;
	const int32_t *list = BPFTIME_REL(const int32_t, h->objects_rel);

	for (uint32_t i = 0; i < h->n_objects; i++) {
		const struct objfmt_object *o = BPFTIME_REL(const struct objfmt_object, list[i]);
		const struct bpftime_map *m = BPFTIME_REL(const struct bpftime_map, o->maps_rel);

		for (uint32_t k = 0; k < o->n_maps; k++) {
			const char *s = BPFTIME_REL(const char, m[k].name_rel);

			if (s && !strcmp(s, name))
				return &m[k];
		}
	}
	return NULL;
}

void *lnk_loaded_base(const struct bpftime_map *m)
{
	void **slot = BPFTIME_REL(void *, m->slot_rel);

	if (m->room_rel)
		return BPFTIME_REL(void, m->room_rel);
	return slot ? *slot : NULL;
}

static int bind(const struct objfmt_object *o, lnk_extern_fn *fn, void *arg, struct diags *dg)
{
	const struct objfmt_extern *e = BPFTIME_REL(const struct objfmt_extern, o->externs_rel);

	for (uint32_t i = 0; i < o->n_externs; i++) {
		const char *name = BPFTIME_REL(const char, e[i].name_rel);
		void **slot = BPFTIME_REL(void *, e[i].slot_rel), *at = fn(arg, &e[i], name);

		if (!at)
			return diag(dg, DIAG_L014, at_file(NULL), "%s, number %d: register it first, with the "
				    "prototype that was verified", name, e[i].id);
		*slot = at;
	}
	return 0;
}

int lnk_loaded_bind(const struct lnk_loaded *p, lnk_extern_fn *fn, void *arg, struct diags *dg)
{
	const struct bpftime_payload *h = (const struct bpftime_payload *)p->base;
	const int32_t *list = BPFTIME_REL(const int32_t, h->objects_rel);
	int r = 0;

	for (uint32_t i = 0; i < h->n_objects && r >= 0; i++)
		r = bind(BPFTIME_REL(const struct objfmt_object, list[i]), fn, arg, dg);
	return r;
}
