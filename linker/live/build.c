/* SPDX-License-Identifier: MIT */
#include "part.h"

#include <stdlib.h>
#include <string.h>

#include "unwind_table.h"

enum { PAGE = 4096 };

static uint64_t pages(uint64_t n) { return (n + PAGE - 1) & ~(uint64_t)(PAGE - 1); }

int live_size(struct live_part *part, struct diags *dg)
{
	struct patch_job *j = &part->job;
	struct lnk_target target = { .bits = j->rec.bits, .dir = j->rec.dir, .path = j->im->path,
				     .build_id = j->im->build_id };
	uint64_t align;
	int r;

	unwind_make(j->plan);
	r = lnk_layout(j->lnk, &target, j->plan->tramp_bytes, j->plan->cfi_bytes, &part->size, dg);
	if (r < 0)
		return r;
	align = part->size.rx_align > 64 ? part->size.rx_align : 64;
	if (align > PAGE)
		return diag(dg, DIAG_P107, at_file(j->im->path), "the payload wants an alignment of %llu",
			    (unsigned long long)align);
	part->head_bytes = (sizeof(struct livefmt_head) + align - 1) & ~(align - 1);
	part->rx_bytes = pages(part->head_bytes + part->size.rx_bytes + 16 +
			       live_record_bound(j->im->path, plan_max_edits(j->plan)));
	part->rw_bytes = pages(part->size.rw_bytes);
	return 0;
}

uint64_t live_bytes(const struct live_part *part)
{
	return part->rx_bytes + part->rw_bytes;
}

static bool is_code(const struct image *im, uint64_t vaddr)
{
	const Elf64_Phdr *ph = image_load_at(im, vaddr);

	return ph && (ph->p_flags & PF_X);
}

static bool is_site(const struct plan *p, uint64_t vaddr)
{
	for (size_t i = 0; i < p->n_site; i++)
		if (!p->site[i].refused && p->site[i].patch_vaddr == vaddr)
			return true;
	return false;
}

static int by_rank(const void *a, const void *b)
{
	const struct live_edit *x = a, *y = b;

	return x->rank != y->rank ? (x->rank < y->rank ? -1 : 1) : x->at < y->at ? -1 : x->at > y->at;
}

/* In an order in which each is complete when it is written: sites that jump to their trampolines
 * (and displace what makes room for others), long jumps elsewhere, the short jumps to those. */
static void take_edits(struct live_part *part, const struct edits *e)
{
	const struct image *im = part->job.im;

	part->n_edit = 0;
	for (size_t i = 0; i < e->n; i++) {
		const struct edit *from = &e->edit[i];
		struct live_edit *to = ARENA_PUSH(part->job.a, part->edit, part->n_edit, part->cap_edit);

		*to = (struct live_edit){ .at = part->m->bias + from->vaddr, .before = from->before,
					  .after = from->after,
					  .kind = is_code(im, from->vaddr) ? LIVE_CODE : LIVE_COUNTER };
		to->rank = to->kind == LIVE_COUNTER ? 3 : from->after.n == 2 ? 2
			   : is_site(part->job.plan, from->vaddr) ? 0 : 1;
	}
	if (part->n_edit)
		qsort(part->edit, part->n_edit, sizeof(*part->edit), by_rank);
}

static void put_head(struct live_part *part, uint8_t *rx, uint32_t seq, struct bytes record)
{
	bool calls, slots;
	struct livefmt_head h = {
		.magic = LIVEFMT_MAGIC, .version = LIVEFMT_VERSION, .size = sizeof(h),
		.state = LIVE_ATTACHED, .self = part->at, .rx_bytes = part->rx_bytes,
		.rw_bytes = part->rw_bytes, .payload_off = part->head_bytes,
		.record_off = (part->head_bytes + part->size.rx_bytes + 15) & ~15ull,
		.record_bytes = record.n, .bias = part->m->bias, .seq = seq,
		.n_site = (uint32_t)part->job.plan->n_patched,
	};

	plan_returns(part->job.plan, &calls, &slots);
	h.bits = (calls ? LIVE_CALLS : 0) | (slots ? LIVE_SLOTS : 0);
	memcpy(rx + h.record_off, record.p, record.n);
	memcpy(rx, &h, sizeof(h));
}

int live_build(struct live_part *part, uint32_t seq, struct diags *dg)
{
	struct patch_job *j = &part->job;
	uint64_t rx_vaddr = part->at + part->head_bytes - part->m->bias;
	uint64_t rw_vaddr = part->at + part->rx_bytes - part->m->bias, slots = 0;
	struct edits e = { 0 };
	struct bytes rx, record;
	uint8_t *out;
	int r;

	if ((r = lnk_place(j->lnk, rx_vaddr, rw_vaddr, dg)) < 0 ||
	    (r = plan_emit(j->plan, &e, dg)) < 0)
		return r;
	unwind_place(j->plan);
	if ((r = lnk_finish(j->lnk, &rx, &part->rw, dg)) < 0)
		return r;
	take_edits(part, &e);
	if (lnk_symbol(j->lnk, "bpftime_rt1_slots", &slots))
		slots += part->m->bias - part->at;
	record = live_record(j->a, part, slots);
	out = arena_alloc(j->a, part->rx_bytes);
	memcpy(out + part->head_bytes, rx.p, rx.n);
	if (part->head_bytes + rx.n + 15 + record.n > part->rx_bytes)
		return diag(dg, DIAG_I001, at_file(j->im->path), "the record has outgrown its plan");
	put_head(part, out, seq, record);
	part->rx = (struct bytes){ out, part->rx_bytes };
	return 0;
}
