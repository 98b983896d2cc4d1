/* SPDX-License-Identifier: MIT
 *
 * waiting.c - hooks that were attached to a running process and not hit so far: nothing has initialised them, so they
 * have no control file, but their payload's tables are in the process's memory.  Whoever runs there may
 * have written them: everything is bounded. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "control.h"
#include "hooks.h"
#include "objfmt.h"
#include "part.h"

enum { OBJECTS = 256, ATTACHES = 1 << 16, NAME_BYTES = 128 };

struct payload {
	struct proc *p;
	struct arena *a;
	uint64_t at, n;		/* its first mapping, from the payload's header on */
	struct bpftime_payload head;
	uint64_t object[OBJECTS];	/* offsets */
	struct objfmt_object row[OBJECTS];
	size_t n_object;
};

static bool get(const struct payload *pl, uint64_t off, void *to, size_t n)
{
	return off <= pl->n && n <= pl->n - off && proc_read(pl->p, pl->at + off, to, n);
}

/* What a self-relative field means: an offset; false: nothing. */
static bool follow(const struct payload *pl, uint64_t off, uint64_t *to)
{
	int32_t rel;

	if (!get(pl, off, &rel, sizeof(rel)) || !rel)
		return false;
	*to = off + (uint64_t)(int64_t)rel;
	return true;
}

static const char *name_at(const struct payload *pl, uint64_t off)
{
	char buf[NAME_BYTES] = "";
	uint64_t at;

	if (follow(pl, off, &at) && at < pl->n)
		proc_read_some(pl->p, pl->at + at, buf, sizeof(buf) - 1);
	return arena_strdup(pl->a, buf);
}

static bool read_payload(struct payload *pl)
{
	uint64_t list;

	if (!get(pl, 0, &pl->head, sizeof(pl->head)) || pl->head.magic != OBJFMT_PAYLOAD_MAGIC ||
	    pl->head.version != OBJFMT_PAYLOAD_VERSION || pl->head.n_attach > ATTACHES ||
	    !follow(pl, offsetof(struct bpftime_payload, objects_rel), &list))
		return false;
	for (uint32_t i = 0; i < pl->head.n_objects && i < OBJECTS; i++, pl->n_object++)
		if (!follow(pl, list + 4ull * i, &pl->object[i]) ||
		    !get(pl, pl->object[i], &pl->row[i], sizeof(pl->row[i])))
			return false;
	return true;
}

static void fill(const struct payload *pl, uint64_t at, struct control_hook *h)
{
	struct bpftime_attach row = { 0 };
	uint64_t hooks, site;

	*h = (struct control_hook){ .kind = "unknown", .prog = "", .object = "", .symbol = "", .word = h->word, .id = h->id };
	if (!get(pl, at, &row, sizeof(row)))
		return;
	h->cookie = row.cookie;
	h->symbol = name_at(pl, at + offsetof(struct bpftime_attach, symbol_rel));
	if (row.site_rel) {
		site = at + offsetof(struct bpftime_attach, site_rel) + (uint64_t)(int64_t)row.site_rel;
		h->vaddr = site + pl->head.self_vaddr;
	}
	for (size_t i = 0; i < pl->n_object; row.hook -= pl->row[i++].n_hooks) {
		struct objfmt_hook hook;

		if (row.hook >= pl->row[i].n_hooks)
			continue;
		if (!follow(pl, pl->object[i] + offsetof(struct objfmt_object, hooks_rel), &hooks) ||
		    !get(pl, hooks += row.hook * sizeof(hook), &hook, sizeof(hook)))
			return;
		h->kind = hook.kind < HOOK_COUNT ? hook_table[hook.kind].name : h->kind;
		h->prog = name_at(pl, hooks + offsetof(struct objfmt_hook, prog_rel));
		h->object = name_at(pl, pl->object[i] + offsetof(struct objfmt_object, name_rel));
		return;
	}
}

static void add(struct control_list *l, struct payload *pl, int pid)
{
	uint64_t attach = 0;
	struct control c = { .bytes = RT_CONTROL_WORDS_OFF + sizeof(uint32_t) };
	char id[2 * CONTROL_ID_BYTES + 1];

	for (int i = 0; i < CONTROL_ID_BYTES; i++)
		snprintf(id + 2 * i, 3, "%02x", pl->head.id[i]);
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->control[i].id, id))
			return;
	follow(pl, offsetof(struct bpftime_payload, attach_rel), &attach);
	c.file = mmap(NULL, c.bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (c.file == MAP_FAILED)
		return;
	c.id = arena_strdup(pl->a, id);
	c.target = name_at(pl, offsetof(struct bpftime_payload, target_rel));
	c.n_hook = pl->head.n_attach;
	c.hook = arena_array(pl->a, c.n_hook + 1, sizeof(*c.hook));
	for (size_t i = 0; i < c.n_hook; i++) {
		c.hook[i].id = arena_printf(pl->a, "%.8s:%zu", id, i);
		c.hook[i].word = (uint32_t *)((char *)c.file + RT_CONTROL_WORDS_OFF);
		*c.hook[i].word = 1;
		fill(pl, attach + i * sizeof(struct bpftime_attach), &c.hook[i]);
	}
	*ARENA_PUSH(pl->a, c.pid, c.n_pid, c.cap_pid) = pid;
	*ARENA_PUSH(pl->a, l->control, l->n, l->cap) = c;
}

void control_add_waiting(struct control_list *l, struct arena *a, int pid)
{
	struct diags quiet = { 0 };
	struct live_list found;
	struct proc *p;

	if (proc_open(a, pid, &p, &quiet) < 0)
		return;
	live_read(p, &found, &quiet);
	for (size_t i = 0; i < found.n; i++) {
		const struct livefmt_head *h = &found.found[i].head;
		struct payload *pl = arena_alloc(a, sizeof(*pl));

		if (h->state != LIVE_ATTACHED || h->bits & LIVE_UNWIND || h->payload_off >= h->rx_bytes)
			continue;
		*pl = (struct payload){ .p = p, .a = a, .at = h->self + h->payload_off, .n = h->rx_bytes - h->payload_off };
		if (read_payload(pl))
			add(l, pl, pid);
	}
	proc_close(p);
}
