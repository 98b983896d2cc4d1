/* SPDX-License-Identifier: MIT
 *
 * record.c - what is attached, as the process's memory says: written by us or by anybody. */
#include "part.h"

#include <stdlib.h>
#include <string.h>

/* Limits of what is believed: far above what attaching makes. */
enum { PAGE = 4096, EDIT_BYTES = 16, RECORD_BYTES = 64 << 20, RX_BYTES = 512 << 20, PAYLOADS = 1024 };

uint64_t live_record_bound(const char *path, size_t n_edit)
{
	return sizeof(struct livefmt_record) + strlen(path) + 1 + 8 +
	       n_edit * (sizeof(struct livefmt_edit) + 2 * EDIT_BYTES);
}

struct bytes live_record(struct arena *a, const struct live_part *part, uint64_t slots_off)
{
	uint64_t bound = live_record_bound(part->job.im->path, part->n_edit);
	uint32_t path_bytes = (uint32_t)strlen(part->job.im->path) + 1;
	struct livefmt_record r = { .n_edit = (uint32_t)part->n_edit, .path_bytes = path_bytes,
				    .slots_off = slots_off };
	uint8_t *out = arena_alloc(a, bound);
	uint64_t at;

	r.edits_off = (sizeof(r) + path_bytes + 7) & ~7ull;
	at = r.edits_off + part->n_edit * sizeof(struct livefmt_edit);
	memcpy(out, &r, sizeof(r));
	memcpy(out + sizeof(r), part->job.im->path, path_bytes);
	for (size_t i = 0; i < part->n_edit; i++) {
		const struct live_edit *e = &part->edit[i];
		struct livefmt_edit row = { e->at, (uint32_t)e->after.n, e->kind, at, at + e->after.n };

		memcpy(out + r.edits_off + i * sizeof(row), &row, sizeof(row));
		memcpy(out + at, e->before.p, e->after.n);
		memcpy(out + at + e->after.n, e->after.p, e->after.n);
		at += 2 * e->after.n;
	}
	return (struct bytes){ out, at };
}

/* Mapped without a file, and nothing but ours from the first byte on?  Before it is complete both
 * parts are one mapping. */
static bool read_head(const struct proc *p, size_t i, struct livefmt_head *h, bool *complete)
{
	const struct proc_map *rx = &p->map[i], *rw = rx + 1;
	uint64_t bytes = rx->end - rx->start;

	if (!rx->x || rx->w || rx->ino || !proc_read(p, rx->start, h, sizeof(*h)) ||
	    h->magic != LIVEFMT_MAGIC || h->version != LIVEFMT_VERSION || h->size != sizeof(*h) ||
	    h->self != rx->start || h->rx_bytes > bytes || h->rx_bytes > RX_BYTES ||
	    h->rx_bytes % PAGE || h->rw_bytes % PAGE ||
	    h->rw_bytes >= 1ull << 32 || (h->state != LIVE_ATTACHED && h->state != LIVE_DETACHED))
		return false;
	*complete = h->rx_bytes == bytes;
	if (!*complete)
		return h->rx_bytes + h->rw_bytes == bytes;
	return (!h->rw_bytes || (i + 1 < p->n_map && rw->start == rx->end && !rw->x)) &&
	       h->record_off < bytes && h->record_bytes <= bytes - h->record_off &&
	       h->record_bytes <= RECORD_BYTES;
}

/* NULL, or what does not hold together. */
static const char *read_record(struct proc *p, struct live_found *f)
{
	struct arena *a = p->arena;
	uint8_t *buf = arena_alloc(a, f->head.record_bytes + 1);
	struct bytes b = { buf, f->head.record_bytes };
	struct livefmt_record r;

	if (!proc_read(p, f->head.self + f->head.record_off, buf, b.n) ||
	    !bytes_get(b, 0, &r, sizeof(r)))
		return "its record cannot be read";
	if (!r.path_bytes && !r.n_edit && !r.edits_off) {	/* a killed patcher had not come so far */
		f->path = "";
		f->head.bits &= LIVE_UNWIND;
		return NULL;
	}
	if (r.n_edit > LIVEFMT_EDITS || r.path_bytes > LIVEFMT_NAME_BYTES || !r.path_bytes ||
	    !bytes_at(b, sizeof(r), r.path_bytes) || buf[sizeof(r) + r.path_bytes - 1] ||
	    !bytes_at(b, r.edits_off, (uint64_t)r.n_edit * sizeof(struct livefmt_edit)))
		return "its record is damaged";
	f->path = (const char *)buf + sizeof(r);
	f->slots = r.slots_off ? f->head.self + r.slots_off : 0;
	f->edit = arena_array(a, r.n_edit + 1, sizeof(*f->edit));
	for (uint32_t i = 0; i < r.n_edit; i++) {
		struct livefmt_edit row;
		struct live_edit *e = &f->edit[i];

		memcpy(&row, buf + r.edits_off + i * sizeof(row), sizeof(row));
		*e = (struct live_edit){ row.at, { bytes_at(b, row.before_off, row.bytes), row.bytes },
					 { bytes_at(b, row.after_off, row.bytes), row.bytes }, row.kind, 0 };
		if (!row.bytes || row.bytes > EDIT_BYTES || !e->before.p || !e->after.p ||
		    (row.kind != LIVE_CODE && (row.kind != LIVE_COUNTER || row.bytes != 2)))
			return "its record is damaged";
	}
	f->n_edit = r.n_edit;
	return NULL;
}

static int by_seq(const void *a, const void *b)
{
	const struct live_found *x = a, *y = b;

	return x->head.seq < y->head.seq ? -1 : x->head.seq > y->head.seq;
}

int live_read(struct proc *p, struct live_list *out, struct diags *dg)
{
	uint64_t total = 0;

	*out = (struct live_list){ 0 };
	for (size_t i = 0; i < p->n_map && out->n < PAYLOADS; i++) {
		struct live_found f = { 0 };
		const char *why = NULL;
		bool complete;

		if (!read_head(p, i, &f.head, &complete))
			continue;
		f.path = "";
		f.head.bits &= complete ? UINT32_MAX : LIVE_UNWIND;	/* nobody was ever inside */
		total += complete ? f.head.record_bytes : 0;
		if (complete)
			why = total > RECORD_BYTES ? "there are too many" : read_record(p, &f);
		if (why)
			diag_warn(dg, at_file(p->name), "hooks at 0x%llx are left out: %s",
				  (unsigned long long)f.head.self, why);
		else
			*ARENA_PUSH(p->arena, out->found, out->n, out->cap) = f;
	}
	if (out->n)
		qsort(out->found, out->n, sizeof(*out->found), by_seq);
	return 0;
}
