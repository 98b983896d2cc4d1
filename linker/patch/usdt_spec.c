/* SPDX-License-Identifier: MIT
 *
 * usdt_spec.c - what libbpf's user-space half does when it attaches: rows of the map
 * __bpf_usdt_specs, found by the attach cookie, and semaphores. */
#include "usdt_spec.h"

#include <string.h>

#include "hooks.h"

/* struct __bpf_usdt_spec of usdt.bpf.h, the same in all its versions. */
struct spec_row {
	struct usdt_arg arg[USDT_ARGS];
	uint64_t cookie;
	int16_t  n_arg;
	uint8_t  reserved[6];
};
_Static_assert(sizeof(struct usdt_arg) == 16 && sizeof(struct spec_row) == 208, "usdt.bpf.h");

/* Finds an equal row, or adds one.  The number of used rows is kept for each map. */
static int64_t add_row(struct usdt_rooms *rooms, struct arena *a, const struct lnk_room *room,
		       const struct spec_row *row)
{
	struct usdt_room *r = NULL;

	for (size_t i = 0; i < rooms->n; i++)
		if (rooms->room[i].bytes == room->bytes)
			r = &rooms->room[i];
	if (!r) {
		r = ARENA_PUSH(a, rooms->room, rooms->n, rooms->cap);
		*r = (struct usdt_room){ room->bytes, 0 };
	}
	for (uint32_t i = 0; i < r->used; i++)
		if (!memcmp(room->bytes + i * sizeof(*row), row, sizeof(*row)))
			return i;
	if (r->used == room->max_entries)
		return -1;
	memcpy(room->bytes + r->used * sizeof(*row), row, sizeof(*row));
	return r->used++;
}

int usdt_attach(struct plan *p, struct usdt_rooms *rooms, const struct site *s,
		struct site_attach *at, struct diags *dg)
{
	struct spec_row row = { .cookie = at->cookie };
	struct lnk_room room;
	int64_t id;

	if (!s->usdt || lnk_hook(p->lnk, at->hook)->row->kind != HOOK_usdt)
		return 0;
	if (!lnk_room(p->lnk, at->hook, "__bpf_usdt_specs", &room))
		return 0;	/* it asks for nothing */
	if (room.value_size != sizeof(row))
		return diag(dg, DIAG_P204, at_file(lnk_hook(p->lnk, at->hook)->object),
			    "__bpf_usdt_specs has values of %u bytes, those of usdt.bpf.h have %zu",
			    room.value_size, sizeof(row));
	memcpy(row.arg, s->usdt->arg, sizeof(row.arg));
	row.n_arg = s->usdt->n_arg;
	id = add_row(rooms, p->im->arena, &room, &row);
	if (id < 0)
		return diag(dg, DIAG_P204, at_file(lnk_hook(p->lnk, at->hook)->object),
			    "its __bpf_usdt_specs holds %u; define BPF_USDT_MAX_SPEC_CNT before "
			    "including usdt.bpf.h", room.max_entries);
	at->cookie = (uint64_t)id;
	return 0;
}

const char *usdt_check_semaphore(const struct image *im, const struct usdt_probe *u)
{
	const Elf64_Phdr *ph = image_load_at(im, u->semaphore_vaddr);
	const uint8_t *p = u->semaphore_vaddr ? image_at(im, u->semaphore_vaddr, 2) : NULL;
	uint16_t v;

	if (!u->semaphore_vaddr)
		return NULL;
	if (!p || !(ph->p_flags & PF_W) || (ph->p_flags & PF_X))
		return "its semaphore is not in the file's data";
	memcpy(&v, p, 2);
	return v == UINT16_MAX ? "its semaphore has overflowed" : NULL;
}

/* Each semaphore counts one listener: all programs of the file together. */
void usdt_raise(struct plan *p, struct edits *e)
{
	for (size_t i = 0; i < p->n_site; i++) {
		const struct site *s = &p->site[i];
		bool seen = s->refused || !s->probe || !s->probe->semaphore_vaddr;
		struct bytes after;
		uint16_t v;

		for (size_t k = 0; k < i && !seen; k++)
			seen = !p->site[k].refused && p->site[k].probe &&
			       p->site[k].probe->semaphore_vaddr == s->probe->semaphore_vaddr;
		if (seen)
			continue;
		memcpy(&v, image_at(p->im, s->probe->semaphore_vaddr, 2), 2);
		v++;
		after = (struct bytes){ arena_dup(p->im->arena, &v, 2), 2 };
		edits_add(p->im->arena, e, p->im, s->probe->semaphore_vaddr, 0, after, "semaphore");
	}
}
