/* SPDX-License-Identifier: MIT
 *
 * finish.c - the bytes of a placed payload. */
#include <elf.h>
#include <string.h>

#include "lnk.h"
#include "sha256.h"

static uint64_t own_vaddr(const struct lnk *l, enum lnk_own i, uint64_t off)
{
	return lnk_sec_vaddr(l, &l->own.sec[i]) + off;
}

/* target - field, for a self-relative field at field_vaddr. */
static int rel(uint64_t target_vaddr, uint64_t field_vaddr, int32_t *out)
{
	int64_t d = (int64_t)(target_vaddr - field_vaddr);

	*out = (int32_t)d;
	return d == *out ? 0 : -1;
}

/* What tells this payload from others: all that went into it. */
static void payload_id(const struct lnk *l, uint8_t out[32])
{
	const struct lnk_target *t = &l->target;
	struct sha256 h;
	uint64_t n[6];

	sha256_init(&h);
	sha256_add(&h, l->archive.p, l->archive.n);
	for (size_t i = 0; i < l->n_file; i++) {
		n[0] = l->file[i]->bytes.n;
		sha256_add(&h, n, sizeof(n[0]));
		sha256_add(&h, l->file[i]->bytes.p, l->file[i]->bytes.n);
	}
	for (size_t i = 0; i < l->n_attach; i++) {
		const struct lnk_attach *at = &l->attach[i];

		n[0] = at->hook;
		n[1] = at->cookie;
		n[2] = at->site_vaddr;
		n[3] = at->has_site;
		n[4] = at->symbol ? strlen(at->symbol) + 1 : 0;
		sha256_add(&h, n, 5 * sizeof(n[0]));
		sha256_add(&h, at->symbol, n[4]);
	}
	n[0] = t->bits;
	n[1] = t->dir ? strlen(t->dir) + 1 : 0;
	n[2] = t->path ? strlen(t->path) + 1 : 0;
	n[3] = t->build_id.n;
	n[4] = l->entry_vaddr;
	n[5] = l->init_vaddr;
	sha256_add(&h, n, sizeof(n));
	sha256_add(&h, t->dir, n[1]);
	sha256_add(&h, t->path, n[2]);
	sha256_add(&h, t->build_id.p, t->build_id.n);
	sha256_done(&h, out);
}

static int write_header(const struct lnk *l, uint8_t *rx)
{
	const struct lnk_target *t = &l->target;
	struct bpftime_payload h = {
		.magic = OBJFMT_PAYLOAD_MAGIC, .version = OBJFMT_PAYLOAD_VERSION, .size = sizeof(h),
		.bits = t->bits | l->placed_bits, .n_objects = (uint32_t)l->n_object,
		.n_attach = (uint32_t)l->n_attach, .control_bytes = (uint32_t)l->control_bytes,
		.self_vaddr = own_vaddr(l, OWN_HEADER, 0), .rw_bytes = (uint32_t)l->rw_bytes,
	};
	size_t id = t->build_id.n < sizeof(h.target_id) ? t->build_id.n : sizeof(h.target_id);
	int err = 0;

#define REL(field_, vaddr_)                                                                  \
	err |= rel((vaddr_), own_vaddr(l, OWN_HEADER, offsetof(struct bpftime_payload, field_)), \
		   &h.field_)
	REL(objects_rel, own_vaddr(l, OWN_OBJECTS, 0));
	REL(control_rel, own_vaddr(l, OWN_CONTROL, 0));
	REL(rw_rel, own_vaddr(l, OWN_RW, 0));
	if (l->n_attach)
		REL(attach_rel, own_vaddr(l, OWN_ATTACH, 0));
	if (t->dir)
		REL(dir_rel, own_vaddr(l, OWN_STRINGS, l->dir_off));
	if (t->path)
		REL(target_rel, own_vaddr(l, OWN_STRINGS, l->path_off));
	if (l->entry_vaddr)
		REL(entry_rel, l->entry_vaddr);
	if (l->init_vaddr)
		REL(init_rel, l->init_vaddr);
#undef REL
	if (id)
		memcpy(h.target_id, t->build_id.p, id);
	h.target_id_bytes = (uint32_t)id;
	payload_id(l, h.id);
	memcpy(rx + l->own.sec[OWN_HEADER].off, &h, sizeof(h));
	return err;
}

/* Where the functions of the target are. */
static int write_hosts(const struct lnk *l, uint8_t *rx)
{
	int err = 0;

	for (size_t i = 0; i < l->n_host; i++) {
		const struct lnk_host *h = &l->host[i];
		const struct obj_sec *s = &h->row.file->sec[h->row.sec];
		uint8_t *at = rx + s->off + h->row.off;
		uint8_t bits = OBJFMT_EXTERN_HOST | (h->got ? OBJFMT_EXTERN_GOT : 0);
		int32_t v;

		err |= rel(h->vaddr, lnk_ref_vaddr(l, h->row) + offsetof(struct objfmt_extern, target_rel), &v);
		memcpy(at + offsetof(struct objfmt_extern, target_rel), &v, sizeof(v));
		at[offsetof(struct objfmt_extern, bits)] = bits;
	}
	return err;
}

static int write_tables(const struct lnk *l, uint8_t *rx)
{
	uint8_t *strings = rx + l->own.sec[OWN_STRINGS].off;
	uint8_t *attach = rx + l->own.sec[OWN_ATTACH].off;
	uint8_t *objects = rx + l->own.sec[OWN_OBJECTS].off;
	int err = 0;

	if (l->target.dir)
		memcpy(strings + l->dir_off, l->target.dir, strlen(l->target.dir) + 1);
	if (l->target.path)
		memcpy(strings + l->path_off, l->target.path, strlen(l->target.path) + 1);
	for (size_t i = 0; i < l->n_attach; i++) {
		const struct lnk_attach *at = &l->attach[i];
		uint64_t vaddr = own_vaddr(l, OWN_ATTACH, i * sizeof(struct bpftime_attach));
		struct bpftime_attach row = { .hook = at->hook, .word = (uint32_t)i,
					      .cookie = at->cookie };

		if (at->has_site)
			err |= rel(at->site_vaddr,
				   vaddr + offsetof(struct bpftime_attach, site_rel), &row.site_rel);
		if (at->symbol) {
			memcpy(strings + at->symbol_off, at->symbol, strlen(at->symbol) + 1);
			err |= rel(own_vaddr(l, OWN_STRINGS, at->symbol_off),
				   vaddr + offsetof(struct bpftime_attach, symbol_rel),
				   &row.symbol_rel);
		}
		memcpy(attach + i * sizeof(row), &row, sizeof(row));
	}
	for (size_t i = 0; i < l->n_object; i++) {
		int32_t v;

		err |= rel(lnk_ref_vaddr(l, l->object[i].at),
			   own_vaddr(l, OWN_OBJECTS, i * sizeof(v)), &v);
		memcpy(objects + i * sizeof(v), &v, sizeof(v));
	}
	return err;
}

/* The part [from, end) of a section, whose bytes are at `bytes` and will run at vaddr. */
static int relocate(struct lnk *l, struct obj_file *f, struct obj_sec *s, uint64_t from,
		    uint64_t end, uint64_t vaddr, uint8_t *bytes, struct diags *dg)
{
	for (size_t i = obj_rel_from(s, from); i < s->n_rel && s->rel[i].off < end; i++) {
		const struct obj_rel *r = &s->rel[i];
		struct loc at = obj_loc(f, (uint32_t)(s - f->sec), (int64_t)r->off);
		struct lnk_ref to;
		struct reloc_in in = {
			.type = r->type, .field = bytes + (r->off - from), .off = r->off,
			.p_vaddr = vaddr + (r->off - from), .addend = r->addend,
			.code = s->flags & SHF_EXECINSTR,
		};
		bool range;
		const char *why;

		if (!l->cpu->reloc(r->type)->bytes)
			continue;
		if (!lnk_resolve(l, f, r->sym, &to))
			return diag(dg, DIAG_L012, at, "%s", f->sym[r->sym].name);
		/* A weak reference that took nothing: select.c. */
		in.absent = !to.sec || !to.file->sec[to.sec].live;
		in.s_vaddr = in.absent ? 0 : lnk_ref_vaddr(l, to);
		why = l->cpu->apply(&in, &range);
		if (why)
			return diag(dg, range ? DIAG_L007 : DIAG_L006, at, "%s to %s: %s",
				    l->cpu->reloc(r->type)->name, f->sym[r->sym].name, why);
	}
	return 0;
}

bool lnk_put_step(struct lnk *l, uint32_t hook, const struct code_step *step, uint64_t vaddr, uint8_t *out)
{
	struct lnk_ref at = l->hook[hook].entry;
	struct obj_sec *s = &at.file->sec[at.sec];
	uint64_t off = at.off + step->off;
	struct diags quiet = { 0 };

	memcpy(out, s->data + off, step->len);
	return relocate(l, at.file, s, off, off + step->len, vaddr, out, &quiet) >= 0;
}

int lnk_finish(struct lnk *l, struct bytes *rx, struct bytes *rw, struct diags *dg)
{
	uint8_t *out[3] = { NULL, arena_alloc(l->arena, l->rx_bytes),
			    arena_alloc(l->arena, l->rw_bytes) };

	if (!l->placed)
		return diag(dg, DIAG_I001, at_file(NULL), "a payload without a place");
	for (size_t i = 0; i < l->n_order; i++) {
		struct obj_sec *s = l->order[i];
		uint8_t *bytes = out[s->part] + s->off;
		int err;

		if (s->data)
			memcpy(bytes, s->data, s->bytes);
		err = relocate(l, l->order_file[i], s, 0, s->bytes, lnk_sec_vaddr(l, s), bytes, dg);
		if (err < 0)
			return err;
	}
	memcpy(out[PART_RX] + l->own.sec[OWN_TRAMP].off, l->tramp, l->own.sec[OWN_TRAMP].bytes);
	memcpy(out[PART_RX] + l->own.sec[OWN_CFI].off, l->cfi, l->own.sec[OWN_CFI].bytes);
	memcpy(out[PART_RX] + l->own.sec[OWN_UNWIND].off, l->unwind, l->unwind_bytes);
	if (write_header(l, out[PART_RX]) || write_tables(l, out[PART_RX]) || write_hosts(l, out[PART_RX]))
		return diag(dg, DIAG_L007, at_file(l->target.path),
			    "the payload is more than 2 GiB away from a hooked place");
	*rx = (struct bytes){ out[PART_RX], l->rx_bytes };
	*rw = (struct bytes){ out[PART_RW], l->rw_bytes };
	return 0;
}
