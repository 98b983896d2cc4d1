/* SPDX-License-Identifier: MIT */
#include "lnk.h"

#include <elf.h>
#include <string.h>

struct lnk *lnk_new(struct arena *a, struct bytes archive)
{
	struct lnk *l = arena_alloc(a, sizeof(*l));

	l->arena = a;
	l->archive = archive;
	return l;
}

/* A hook object may leave undefined what the runtime ABI names, and must not define it. */
static int check_symbols(const struct obj_file *f, struct diags *dg)
{
	for (uint32_t i = 1; i < f->n_sym; i++) {
		const struct obj_sym *s = &f->sym[i];
		bool rt = !strncmp(s->name, "bpftime_rt1_", 12);

		/* GNU as adds this one to whatever has a GOTPCREL, and refers to it nowhere. */
		if (s->sec == SEC_UNDEF && !rt && strcmp(s->name, "_GLOBAL_OFFSET_TABLE_"))
			return diag(dg, DIAG_L012, at_file(f->path),
				    "%s is not of the runtime ABI (bpftime_rt1_)", s->name);
		if (s->sec != SEC_UNDEF && rt && s->bind != STB_LOCAL)
			return diag(dg, DIAG_L004, at_file(f->path), "it defines the runtime's %s",
				    s->name);
	}
	return 0;
}

int lnk_check_code(const struct lnk *l, const struct obj_file *f, struct diags *dg)
{
	for (uint32_t i = 1; i < f->n_sec; i++) {
		const struct obj_sec *s = &f->sec[i];
		uint64_t off;
		const char *why;

		if (!(s->flags & SHF_EXECINSTR) || !s->data || (!f->hook && !s->live))
			continue;
		if (!f->hook && !strcmp(s->name, ".text.rt_host_call"))	/* which saves what it touches */
			continue;
		why = l->cpu->check(s->data, s->bytes, !f->hook, &off);
		if (why)
			return diag(dg, DIAG_L013, obj_loc(f, i, (int64_t)off), "%s", why);
	}
	return 0;
}

int lnk_add_object(struct lnk *l, const char *path, struct bytes obj, bool allow_unverified,
		   struct diags *dg)
{
	struct obj_file *f = arena_alloc(l->arena, sizeof(*f));
	int err = objfile_read(l->arena, arena_strdup(l->arena, path), obj, f, dg);

	if (err < 0)
		return err;
	if (!l->cpu)
		l->cpu = lnk_cpu(f->machine);
	if (l->cpu->machine != f->machine)
		return diag(dg, DIAG_L003, at_file(path),
			    "machine %u, the objects before are for %s", f->machine, l->cpu->name);
	f->hook = true;
	err = check_symbols(f, dg);
	if (err >= 0)
		err = lnk_check_code(l, f, dg);
	if (err >= 0)
		err = lnk_read_tables(l, f, allow_unverified, dg);
	if (err >= 0)
		err = eh_frame_read(l->arena, f, dg);
	if (err < 0)
		return err;
	f->index = (uint32_t)l->n_file;
	*ARENA_PUSH(l->arena, l->file, l->n_file, l->cap_file) = f;
	return 0;
}

size_t lnk_n_hooks(const struct lnk *l) { return l->n_hook; }
const struct lnk_hook *lnk_hook(const struct lnk *l, size_t i) { return &l->hook[i].row; }

bool lnk_decides(const struct lnk *l, size_t i)
{
	uint8_t bits = l->hook[i].row.row->bits;
	bool any = bits & OBJFMT_HOOK_DECIDES;

	for (size_t k = 0; k < l->n_hook && bits & OBJFMT_HOOK_OUTCOME && !any; k++)
		any = l->hook[k].row.row->bits & OBJFMT_HOOK_DECIDES;
	return any;
}

uint32_t lnk_add_attach(struct lnk *l, uint32_t hook, const char *symbol, uint64_t cookie)
{
	struct lnk_attach *at = ARENA_PUSH(l->arena, l->attach, l->n_attach, l->cap_attach);

	at->hook = hook;
	at->symbol = symbol ? arena_strdup(l->arena, symbol) : NULL;
	at->cookie = cookie;
	return (uint32_t)(l->n_attach - 1);
}

void lnk_require(struct lnk *l, const char *symbol)
{
	*ARENA_PUSH(l->arena, l->required, l->n_required, l->cap_required) =
		arena_strdup(l->arena, symbol);
}

void lnk_set_site(struct lnk *l, uint32_t attach, uint64_t site_vaddr)
{
	l->attach[attach].site_vaddr = site_vaddr;
	l->attach[attach].has_site = true;
}

void lnk_set_one_segment(struct lnk *l)
{
	l->placed_bits |= PAYLOAD_ONE_SEGMENT;
}

void lnk_set_start(struct lnk *l, uint64_t entry_vaddr, uint64_t init_vaddr)
{
	l->entry_vaddr = entry_vaddr;
	l->init_vaddr = init_vaddr;
}

uint64_t lnk_sec_vaddr(const struct lnk *l, const struct obj_sec *s)
{
	return (s->part == PART_RW ? l->rw_vaddr : l->rx_vaddr) + s->off;
}

static uint64_t own_vaddr(const struct lnk *l, enum lnk_own i)
{
	return lnk_sec_vaddr(l, &l->own.sec[i]);
}

bool lnk_symbol(const struct lnk *l, const char *name, uint64_t *vaddr)
{
	struct lnk_ref r;

	if (!l->placed || !lnk_global(l, name, &r) || !r.file->sec[r.sec].live)
		return false;
	*vaddr = lnk_ref_vaddr(l, r);
	return true;
}

uint64_t lnk_entry_vaddr(const struct lnk *l, uint32_t hook)
{
	return l->hook[hook].entry.sec ? lnk_ref_vaddr(l, l->hook[hook].entry) : 0;
}

uint64_t lnk_body_vaddr(const struct lnk *l, uint32_t hook)
{
	return l->hook[hook].body.sec ? lnk_ref_vaddr(l, l->hook[hook].body) : 0;
}

uint64_t lnk_word_vaddr(const struct lnk *l, uint32_t attach)
{
	return own_vaddr(l, OWN_CONTROL) + RT_CONTROL_WORDS_OFF + 4ull * attach;
}

size_t lnk_n_fdes(const struct lnk *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n_file; i++)
		n += l->file[i]->eh ? l->file[i]->eh->n_kept : 0;
	for (size_t i = 0; i < l->n_member; i++)
		n += l->member[i].eh ? l->member[i].eh->n_kept : 0;
	return n;
}

static size_t fdes_of(const struct lnk *l, const struct obj_file *f, struct lnk_fde *out)
{
	const struct eh_frame *e = f->eh;
	size_t n = e ? e->n_kept : 0;

	for (size_t i = 0; i < n; i++)
		out[i] = (struct lnk_fde){
			lnk_sec_vaddr(l, &f->sec[e->kept[i].sec]) + e->kept[i].pc,
			lnk_sec_vaddr(l, &f->sec[e->sec]) + e->kept[i].off };
	return n;
}

void lnk_fdes(const struct lnk *l, struct lnk_fde *out)
{
	for (size_t i = 0; i < l->n_file; i++)
		out += fdes_of(l, l->file[i], out);
	for (size_t i = 0; i < l->n_member; i++)
		out += fdes_of(l, &l->member[i], out);
}

uint64_t lnk_tramp_vaddr(const struct lnk *l) { return own_vaddr(l, OWN_TRAMP); }
uint64_t lnk_cfi_vaddr(const struct lnk *l) { return own_vaddr(l, OWN_CFI); }
bool lnk_wants_stacks(const struct lnk *l)
{
	for (size_t i = 0; i < l->n_file; i++)
		for (uint32_t k = 1; k < l->file[i]->n_sym; k++) {
			const struct obj_sym *s = &l->file[i]->sym[k];

			if (s->sec == SEC_UNDEF && (!strcmp(s->name, "bpftime_rt1_get_stackid") ||
						    !strcmp(s->name, "bpftime_rt1_get_stack")))
				return true;
		}
	return false;
}

void lnk_set_unwind(struct lnk *l, uint64_t bytes) { l->unwind_bytes = bytes; }
uint64_t lnk_unwind_vaddr(const struct lnk *l) { return own_vaddr(l, OWN_UNWIND); }
uint8_t *lnk_unwind_bytes(struct lnk *l) { return l->unwind; }
uint8_t *lnk_tramp_bytes(struct lnk *l) { return l->tramp; }
uint8_t *lnk_cfi_bytes(struct lnk *l) { return l->cfi; }

size_t lnk_n_hosts(const struct lnk *l)
{
	return l->n_host;
}

const char *lnk_host_name(const struct lnk *l, size_t i)
{
	return l->host[i].name;
}

void lnk_set_host(struct lnk *l, size_t i, uint64_t vaddr, bool got)
{
	l->host[i].vaddr = vaddr;
	l->host[i].got = got;
}
