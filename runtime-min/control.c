/* SPDX-License-Identifier: MIT */
#include "control.h"

#include "arch/x86_64/sys.h"
#include "dir.h"
#include "init.h"
#include "mapfmt.h"
#include "mem.h"
#include "rel.h"
#include "text.h"

struct rt_control *rt_control(void)
{
	return RT_REL(struct rt_control, bpftime_rt1_payload.control_rel);
}

static uint32_t *words_of(struct rt_control *c)
{
	return (uint32_t *)((char *)c + RT_CONTROL_WORDS_OFF);
}

uint32_t *rt_control_words(void)
{
	return words_of(rt_control());
}

static void fill_header(struct rt_control *c)
{
	const struct bpftime_payload *pl = &bpftime_rt1_payload;
	uint32_t *word = words_of(c);

	c->magic = RT_CONTROL_MAGIC;
	c->version = RT_CONTROL_VERSION;
	c->size = sizeof(*c);
	c->n_attach = pl->n_attach;
	c->attach_off = pl->control_bytes;
	c->bits = pl->bits;
	rt_copy(c->payload_id, pl->id, sizeof(c->payload_id));
	rt_put_all(c->target, sizeof(c->target), RT_REL(const char, pl->target_rel));
	for (uint32_t i = 0; i < pl->n_attach; i++)
		rt_store_release(&word[i], RT_ENABLED);
}

/* The hook of an attach point, counted over all objects in order. */
static const struct objfmt_hook *hook_at(uint32_t i, const struct objfmt_object **of)
{
	const struct bpftime_payload *pl = &bpftime_rt1_payload;
	const int32_t *rel = RT_REL(const int32_t, pl->objects_rel);

	for (uint32_t k = 0; k < pl->n_objects; k++) {
		*of = RT_REL(const struct objfmt_object, rel[k]);
		if (i < (*of)->n_hooks)
			return RT_REL(const struct objfmt_hook, (*of)->hooks_rel) + i;
		i -= (*of)->n_hooks;
	}
	return NULL;
}

static void fill_attach(struct rt_control_attach *row)
{
	const struct bpftime_payload *pl = &bpftime_rt1_payload;
	const struct bpftime_attach *at = RT_REL(const struct bpftime_attach, pl->attach_rel);

	for (uint32_t i = 0; i < pl->n_attach; i++) {
		const struct objfmt_object *o;
		const struct objfmt_hook *h = hook_at(at[i].hook, &o);
		uint64_t site = (uint64_t)RT_REL(char, at[i].site_rel);

		if (!h)
			continue;
		row[i].kind = h->kind;
		row[i].vaddr = site ? site - (uint64_t)pl + pl->self_vaddr : 0;
		row[i].cookie = at[i].cookie;
		rt_put_all(row[i].prog, sizeof(row[i].prog), RT_REL(const char, h->prog_rel));
		rt_put_all(row[i].object, sizeof(row[i].object), RT_REL(const char, o->name_rel));
		rt_put_all(row[i].symbol, sizeof(row[i].symbol), RT_REL(const char, at[i].symbol_rel));
	}
}

/* A new control file, named when it is complete. */
static void make(int64_t folder, const char *name, uint64_t bytes)
{
	struct rt_new file;
	int64_t fd = rt_dir_new(&file, folder, bytes, bytes), p;

	if (fd < 0)
		return;
	p = rt_sys6(SYS_mmap, 0, bytes, PROT_READ_WRITE, MAP_SHARED, (uint64_t)fd, 0);
	if (!rt_sys_failed(p)) {
		fill_header((struct rt_control *)p);
		fill_attach((struct rt_control_attach *)((char *)p +
							 bpftime_rt1_payload.control_bytes));
		rt_sys2(SYS_munmap, p, bytes);
		rt_dir_name(&file, name);	/* or another process was first */
	}
	rt_dir_end(&file);
}

/* The payload's id is a hash of all that shaped it, so a file of that name and size is its. */
static int64_t open_control(int64_t dir)
{
	const struct bpftime_payload *pl = &bpftime_rt1_payload;
	uint64_t want = rt_round_up(pl->control_bytes +
				    (uint64_t)pl->n_attach * sizeof(struct rt_control_attach), RT_PAGE_BYTES), bytes;
	char name[20];
	struct rt_text t = rt_text(name, sizeof(name));
	int64_t folder = rt_dir_folder(dir, MAPFMT_CONTROL_DIR), fd;

	if (folder < 0)
		return folder;
	rt_put_hex(&t, pl->id);
	fd = rt_dir_file(folder, name, &bytes);
	if (fd == -RT_ENOENT) {
		make(folder, name, want);
		fd = rt_dir_file(folder, name, &bytes);	/* by its name, which /proc then shows */
	}
	rt_sys1(SYS_close, folder);
	if (fd >= 0 && bytes != want) {
		rt_sys1(SYS_close, fd);
		return -RT_EEXIST;
	}
	return fd;
}

void rt_control_attach(int64_t dir)
{
	const struct bpftime_payload *pl = &bpftime_rt1_payload;
	int64_t fd = dir < 0 ? dir : open_control(dir), p;

	if (fd >= 0) {
		p = rt_sys6(SYS_mmap, (uint64_t)rt_control(), pl->control_bytes, PROT_READ_WRITE,
			    MAP_SHARED | MAP_FIXED, (uint64_t)fd, 0);
		rt_sys1(SYS_close, fd);
		if (p == (int64_t)(uint64_t)rt_control())
			return;
	}
	fill_header(rt_control());
}
