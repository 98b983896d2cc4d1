/* SPDX-License-Identifier: MIT
 *
 * layout.c - the order of a payload.
 *
 *     RX   header | trampolines | code of hooks | code of the runtime | constants and
 *          tables | groups | attach table | object list | strings | .eh_frame |
 *          table for stacks
 *     RW   data | groups | rooms with contents (whole pages) |
 *          control area (whole pages) | rooms (whole pages) | slots, zeros
 *
 * Trampolines and hooks are neighbours because they run one after the other; rooms follow
 * the control area because both are whole pages that init maps files over.  What is all zeros
 * comes last in RW: it need not be in a file. */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "lnk.h"
#include "unwindfmt.h"

uint32_t lnk_own_section(struct lnk *l, const char *name, uint64_t flags, uint64_t bytes,
			 uint64_t align)
{
	size_t n = l->own.n_sec;
	struct obj_sec *s = ARENA_PUSH(l->arena, l->own.sec, n, l->cap_own);

	*s = (struct obj_sec){ .name = name, .type = SHT_PROGBITS, .flags = flags,
			       .bytes = bytes, .align = align };
	l->own.n_sec = (uint32_t)n;
	return l->own.n_sec - 1;
}

static uint64_t add_string(uint64_t *bytes, const char *s)
{
	uint64_t off = *bytes;

	*bytes += s ? strlen(s) + 1 : 0;
	return off;
}

static void make_own(struct lnk *l, uint64_t tramp_bytes, uint64_t cfi_bytes)
{
	const uint64_t rx = SHF_ALLOC, rw = SHF_ALLOC | SHF_WRITE;
	uint64_t strings = 0;

	l->dir_off = add_string(&strings, l->target.dir);
	l->path_off = add_string(&strings, l->target.path);
	for (size_t i = 0; i < l->n_attach; i++)
		l->attach[i].symbol_off = add_string(&strings, l->attach[i].symbol);
	l->control_bytes = obj_whole_pages(RT_CONTROL_WORDS_OFF + 4ull * l->n_attach);
	l->own.path = "the payload";
	l->own.n_sec = 0;
	lnk_own_section(l, "", 0, 0, 1);
	lnk_own_section(l, "header", rx, sizeof(struct bpftime_payload), 16);
	lnk_own_section(l, "trampolines", rx | SHF_EXECINSTR, tramp_bytes, 64);
	lnk_own_section(l, "attach points", rx, l->n_attach * sizeof(struct bpftime_attach), 8);
	lnk_own_section(l, "objects", rx, l->n_object * sizeof(int32_t), 4);
	lnk_own_section(l, "strings", rx, strings, 1);
	lnk_own_section(l, "cfi", rx, cfi_bytes, 8);
	if (lnk_wants_stacks(l) && !l->unwind_bytes)
		l->unwind_bytes = sizeof(struct unwind_table);	/* one that says nothing */
	lnk_own_section(l, "unwind table", rx, l->unwind_bytes, l->unwind_bytes ? 4 : 1);
	lnk_own_section(l, "end of RX", rx, 0, 1);
	lnk_own_section(l, "RW", rw, 0, OBJ_PAGE_BYTES);
	lnk_own_section(l, "control", rw, l->control_bytes, OBJ_PAGE_BYTES);
	lnk_own_section(l, "end of RW", rw, 0, OBJ_PAGE_BYTES);
	l->own.sym = arena_alloc(l->arena, sizeof(*l->own.sym));
	l->own.sym[0].name = "";
	l->own.n_sym = 1;
}

struct slot {			/* of the order */
	struct obj_file *file;
	struct obj_sec  *sec;
	uint32_t part, rank, within, input;
	const char *group;	/* "" when none */
};
struct slots {
	struct slot *v;
	size_t n, cap;
};

enum { RANK_FIRST, RANK_TRAMP, RANK_HOOK_CODE, RANK_RT_CODE, RANK_CONST, RANK_GROUP, RANK_OWN,
       RANK_UNWIND, RANK_DATA = RANK_CONST, RANK_ROOM_DATA = RANK_OWN, RANK_CONTROL, RANK_ROOM,
       RANK_ZERO, RANK_LAST };

static const struct lnk_group *group_of(const struct lnk *l, const struct obj_sec *s)
{
	for (size_t i = 0; i < l->n_group; i++)
		if (!strcmp(l->group[i].name, s->name))
			return &l->group[i];
	return NULL;
}

static bool is_zero(const struct obj_sec *s)
{
	for (uint64_t i = 0; s->data && i < s->bytes; i++)
		if (s->data[i])
			return false;
	return !s->n_rel;
}

static uint32_t rank_of(const struct lnk *l, const struct obj_file *f, const struct obj_sec *s)
{
	if (f == &l->own) {
		uint32_t i = (uint32_t)(s - f->sec);

		return i == OWN_HEADER || i == OWN_RW ? RANK_FIRST :
		       i == OWN_TRAMP ? RANK_TRAMP : i == OWN_CFI || i == OWN_UNWIND ? RANK_UNWIND :
		       i == OWN_CONTROL ? RANK_CONTROL :
		       i == OWN_RX_END || i == OWN_RW_END ? RANK_LAST : RANK_OWN;
	}
	if (s->flags & SHF_WRITE)
		return !strncmp(s->name, ".bpftime.room", 13)
			       ? is_zero(s) ? RANK_ROOM : RANK_ROOM_DATA
			       : is_zero(s) ? RANK_ZERO : RANK_DATA;
	if (s->flags & SHF_EXECINSTR)
		return f->hook ? RANK_HOOK_CODE : RANK_RT_CODE;
	return f->eh && s == &f->sec[f->eh->sec] ? RANK_UNWIND : RANK_CONST;
}

static void take(struct lnk *l, struct obj_file *f, struct obj_sec *s, void *arg)
{
	struct slots *out = arg;
	const struct lnk_group *g = group_of(l, s);
	struct slot *o;

	if (!s->live)
		return;
	o = ARENA_PUSH(l->arena, out->v, out->n, out->cap);
	*o = (struct slot){ .file = f, .sec = s, .input = (uint32_t)out->n, .group = "",
			    .part = s->flags & SHF_WRITE ? PART_RW : PART_RX,
			    .rank = rank_of(l, f, s) };
	if (g) {
		o->rank = RANK_GROUP;
		o->group = g->name;
		o->within = f != &l->own ? 1 : s == &l->own.sec[g->start] ? 0 : 2;
	}
}

static int by_place(const void *a, const void *b)
{
	const struct slot *x = a, *y = b;
	int names;

	if (x->part != y->part)
		return x->part < y->part ? -1 : 1;
	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	names = strcmp(x->group, y->group);
	if (names)
		return names;
	if (x->within != y->within)
		return x->within < y->within ? -1 : 1;
	return x->input < y->input ? -1 : x->input > y->input;
}

struct group_shape {
	const struct lnk_group *g;
	uint64_t flags, align;
	size_t n;
	const char *mixed;	/* file that disagrees */
};

static void see_group(struct lnk *l, struct obj_file *f, struct obj_sec *s, void *arg)
{
	struct group_shape *shape = arg;
	uint64_t flags = s->flags & (SHF_WRITE | SHF_EXECINSTR);

	if (!s->live || f == &l->own || strcmp(s->name, shape->g->name))
		return;
	if (shape->n++ && flags != shape->flags)
		shape->mixed = f->path;
	shape->flags = flags;
	if (s->align > shape->align)
		shape->align = s->align;
}

/* The marks at both ends of a group lie where its sections do. */
static int shape_groups(struct lnk *l, struct diags *dg)
{
	for (size_t i = 0; i < l->n_group; i++) {
		struct group_shape shape = { .g = &l->group[i], .align = 1 };
		struct obj_sec *start = &l->own.sec[l->group[i].start];

		lnk_each_section(l, see_group, &shape);
		if (shape.mixed)
			return diag(dg, DIAG_L004, at_file(shape.mixed),
				    "section %s differs in access from others of that name",
				    l->group[i].name);
		start->flags |= shape.flags & SHF_WRITE;
		start->align = shape.align;
		l->own.sec[l->group[i].stop].flags = start->flags;
	}
	return 0;
}

static int assign(struct lnk *l, struct slots *slots, struct diags *dg)
{
	uint64_t end[3] = { 0 };

	l->rx_align = 64;
	l->rw_file_bytes = 0;
	l->order = arena_array(l->arena, slots->n, sizeof(*l->order));
	l->order_file = arena_array(l->arena, slots->n, sizeof(*l->order_file));
	l->n_order = slots->n;
	for (size_t i = 0; i < slots->n; i++) {
		struct obj_sec *s = slots->v[i].sec;
		uint64_t *at = &end[slots->v[i].part];

		/* Neither can overflow: sizes are at most OBJ_MAX_BYTES each. */
		*at = (*at + s->align - 1) & ~(s->align - 1);
		s->part = (uint8_t)slots->v[i].part;
		s->off = *at;
		*at += s->bytes;
		if (*at > OBJ_MAX_BYTES)
			return diag(dg, DIAG_L011, at_file(slots->v[i].file->path),
				    "more than %d MiB with section %s", OBJ_MAX_BYTES >> 20,
				    s->name);
		if (s->part == PART_RX && s->align > l->rx_align)
			l->rx_align = s->align;
		if (s->part == PART_RW && slots->v[i].rank < RANK_CONTROL)
			l->rw_file_bytes = *at;
		l->order[i] = s;
		l->order_file[i] = slots->v[i].file;
	}
	l->rx_bytes = end[PART_RX];
	l->rw_bytes = end[PART_RW];
	return 0;
}

int lnk_layout(struct lnk *l, const struct lnk_target *t, uint64_t tramp_bytes,
	       uint64_t cfi_bytes, struct lnk_size *out, struct diags *dg)
{
	struct slots slots = { 0 };
	int err;

	if (!l->n_file)
		return diag(dg, DIAG_I001, at_file(NULL), "a payload without hook objects");
	if (tramp_bytes > OBJ_MAX_BYTES || cfi_bytes > OBJ_MAX_BYTES ||
	    l->n_attach > OBJ_MAX_BYTES / sizeof(struct bpftime_attach))
		return diag(dg, DIAG_L011, at_file(NULL), "%zu attach points", l->n_attach);
	if (l->extern_name && !t->embedded)
		return diag(dg, DIAG_L014, at_file(NULL), "%s is registered by a program that embeds "
			    "the object", l->extern_name);
	for (size_t i = 0; i < l->n_host; i++)
		if (!l->host[i].vaddr)
			return diag(dg, DIAG_L014, at_file(NULL), "%s is a function of a binary; here is none",
				    l->host[i].name);
	l->target = *t;
	l->placed = false;
	make_own(l, tramp_bytes, cfi_bytes);
	err = lnk_select(l, dg);
	if (err >= 0)
		err = shape_groups(l, dg);
	if (err < 0)
		return err;
	lnk_each_section(l, take, &slots);
	qsort(slots.v, slots.n, sizeof(*slots.v), by_place);
	err = assign(l, &slots, dg);
	if (err < 0)
		return err;
	l->tramp = arena_alloc(l->arena, tramp_bytes);
	l->cfi = arena_alloc(l->arena, cfi_bytes);
	l->unwind = arena_alloc(l->arena, l->unwind_bytes);
	*out = (struct lnk_size){ .rx_bytes = l->rx_bytes, .rw_bytes = l->rw_bytes,
				  .rw_file_bytes = l->rw_file_bytes,
				  .rx_align = l->rx_align, .rw_align = OBJ_PAGE_BYTES };
	return 0;
}

int lnk_place(struct lnk *l, uint64_t rx_vaddr, uint64_t rw_vaddr, struct diags *dg)
{
	uint64_t lo = rx_vaddr < rw_vaddr ? rx_vaddr : rw_vaddr;
	uint64_t rx_end = rx_vaddr + l->rx_bytes, rw_end = rw_vaddr + l->rw_bytes;
	uint64_t hi = rx_end > rw_end ? rx_end : rw_end;

	if (rx_vaddr % l->rx_align || rw_vaddr % OBJ_PAGE_BYTES)
		return diag(dg, DIAG_I001, at_file(NULL), "a payload at an unaligned address");
	if (rx_end < rx_vaddr || rw_end < rw_vaddr || hi - lo > INT32_MAX)
		return diag(dg, DIAG_L007, at_file(NULL),
			    "the parts of the payload are more than 2 GiB apart");
	l->rx_vaddr = rx_vaddr;
	l->rw_vaddr = rw_vaddr;
	l->placed = true;
	return 0;
}
