/* SPDX-License-Identifier: MIT */
#include "targets.h"

#include <stdlib.h>

#include "cfi.h"
#include "insn_x86_64.h"

enum {
	MAX_TABLE = 4096,	/* entries of a jump table */
	NEAR = 130,		/* reach of a short branch, and its length */
	PADDING = 5,
};

enum bit_map {		/* one bit a byte of code */
	MAP_START,	/* an instruction of the linear decode starts here */
	MAP_TARGET,	/* control may arrive here */
	MAP_CALLED,	/* as at a function */
	MAP_ODD,	/* undecodable, or decoded across a known start */
	MAP_COUNT
};

struct range {		/* a stretch of code */
	uint64_t vaddr, end;
	const uint8_t *p;
	uint8_t *map[MAP_COUNT];
};

struct padding {
	uint64_t vaddr, end;	/* not taken yet */
};

struct got_call {
	uint64_t got, vaddr;
};

struct targets {
	const struct image *im;
	struct range *range;	/* sorted */
	size_t n_range, cap_range;
	uint64_t *start;	/* sorted: symbols, FDEs, PLT stubs */
	size_t n_start, cap_start;
	struct padding *pad;	/* sorted */
	size_t n_pad, cap_pad;
	uint64_t *base;		/* what lea points at: jump tables are among them */
	size_t n_base, cap_base;
	uint64_t *syscall;	/* in order: ranges are decoded in theirs */
	size_t n_syscall, cap_syscall;
	struct got_call *call;	/* by slot, then address */
	size_t n_call, cap_call;
};

static const struct range *range_of(const struct targets *t, uint64_t vaddr)
{
	size_t lo = 0, hi = t->n_range;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (t->range[mid].end <= vaddr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < t->n_range && vaddr >= t->range[lo].vaddr ? &t->range[lo] : NULL;
}

static bool test_bit(const struct range *r, enum bit_map m, uint64_t vaddr)
{
	uint64_t i = vaddr - r->vaddr;

	return r->map[m][i / 8] >> (i % 8) & 1;
}

static void set_bit(const struct targets *t, enum bit_map m, uint64_t vaddr)
{
	const struct range *r = range_of(t, vaddr);

	if (r)
		r->map[m][(vaddr - r->vaddr) / 8] |= (uint8_t)(1u << ((vaddr - r->vaddr) % 8));
}

static void set_pointer(const struct targets *t, uint64_t vaddr)
{
	set_bit(t, MAP_TARGET, vaddr);
	set_bit(t, MAP_CALLED, vaddr);
}

static void see_pad(void *arg, uint64_t vaddr)
{
	set_bit(arg, MAP_TARGET, vaddr);
}

/* ---- what is code, and where functions start ---- */

static void add_range(struct targets *t, uint64_t vaddr, uint64_t bytes)
{
	const uint8_t *p = bytes ? image_at(t->im, vaddr, bytes) : NULL;
	struct range *r;

	if (!p)
		return;
	r = ARENA_PUSH(t->im->arena, t->range, t->n_range, t->cap_range);
	*r = (struct range){ .vaddr = vaddr, .end = vaddr + bytes, .p = p };
	for (unsigned i = 0; i < MAP_COUNT; i++)
		r->map[i] = arena_alloc(t->im->arena, bytes / 8 + 1);
}

static int by_range(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return x->vaddr < y->vaddr ? -1 : x->vaddr > y->vaddr;
}

static void find_code(struct targets *t)
{
	const struct image *im = t->im;
	size_t kept = 0;

	for (size_t i = 1; i < im->n_sh; i++)
		if (im->sh[i].sh_type == SHT_PROGBITS && (im->sh[i].sh_flags & SHF_EXECINSTR) &&
		    (im->sh[i].sh_flags & SHF_ALLOC))
			add_range(t, im->sh[i].sh_addr, im->sh[i].sh_size);
	for (size_t i = 0; i < im->eh.e_phnum && !t->n_range; i++)
		if (im->ph[i].p_type == PT_LOAD && (im->ph[i].p_flags & PF_X))
			add_range(t, im->ph[i].p_vaddr, im->ph[i].p_filesz);
	if (t->n_range)
		qsort(t->range, t->n_range, sizeof(*t->range), by_range);
	for (size_t i = 0; i < t->n_range; i++)	/* sections of a hostile file may overlap */
		if (!kept || t->range[i].vaddr >= t->range[kept - 1].end)
			t->range[kept++] = t->range[i];
	t->n_range = kept;
}

static int by_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void add_start(struct targets *t, uint64_t vaddr)
{
	if (range_of(t, vaddr))
		*ARENA_PUSH(t->im->arena, t->start, t->n_start, t->cap_start) = vaddr;
}

static void find_starts(struct targets *t)
{
	const struct image *im = t->im;

	for (size_t i = 0; i < im->n_sym; i++) {
		add_start(t, im->sym[i].vaddr);
		if (im->sym[i].dynamic)
			set_bit(t, MAP_CALLED, im->sym[i].vaddr);
	}
	for (size_t i = 0; i < im->n_fde; i++) {
		add_start(t, im->fde[i].vaddr);
		cfi_landing_pads(im, &im->fde[i], see_pad, t);
	}
	for (size_t i = 0; i < im->n_import; i++)
		if (im->import[i].stub_vaddr)
			add_start(t, im->import[i].stub_vaddr);
	for (size_t i = 0; im->go && i < im->go->n_fn; i++) {
		const struct image_go_fn *fn = &im->go->fn[i];
		const uint8_t *p = image_at(im, fn->vaddr, 1);

		set_bit(t, MAP_CALLED, fn->vaddr);
		set_bit(t, MAP_TARGET, fn->resume_vaddr);
		/* Like runtime.goexit: goroutines return to what follows the nop. */
		if (fn->assembly && p && *p == 0x90)
			set_bit(t, MAP_TARGET, fn->vaddr + 1);
	}
	set_bit(t, MAP_CALLED, im->eh.e_entry);
	set_bit(t, MAP_CALLED, im->init_vaddr);
	if (t->n_start)
		qsort(t->start, t->n_start, sizeof(*t->start), by_u64);
	for (size_t i = 0; i < t->n_start; i++)
		set_bit(t, MAP_TARGET, t->start[i]);
}

uint64_t targets_next_start(const struct targets *t, uint64_t vaddr)
{
	size_t lo = 0, hi = t->n_start;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (t->start[mid] <= vaddr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < t->n_start ? t->start[lo] : UINT64_MAX;
}

/* ---- the decode ---- */

/* Tables of  target - table  as gcc and clang make them for PIC.  What is no table ends at
 * once: its first word, taken as a distance, does not lead into code.  A table ends where
 * the next begins, or its neighbour's words would be taken for its own. */
static void see_tables(struct targets *t)
{
	if (t->n_base)
		qsort(t->base, t->n_base, sizeof(*t->base), by_u64);
	for (size_t k = 0; k < t->n_base; k++) {
		uint64_t base = t->base[k], end = base + 4ull * MAX_TABLE;

		if (k && base == t->base[k - 1])
			continue;
		for (size_t n = k + 1; n < t->n_base && t->base[n] < end; n++)
			if (t->base[n] > base)
				end = t->base[n];
		for (uint64_t at = base; at + 4 <= end; at += 4) {
			const uint8_t *p = image_at(t->im, at, 4);
			int32_t d;

			if (!p)
				break;
			memcpy(&d, p, 4);
			if (!range_of(t, base + (uint64_t)(int64_t)d))
				break;
			set_bit(t, MAP_TARGET, base + (uint64_t)(int64_t)d);
		}
	}
}

static void see_insn(struct targets *t, const struct insn *in)
{
	if (insn_has_target(in)) {
		set_bit(t, MAP_TARGET, in->target);
		if (in->kind == INSN_CALL)
			set_bit(t, MAP_CALLED, in->target);
	}
	if (in->is_lea && in->rip_rel) {
		set_pointer(t, in->mem_vaddr);
		*ARENA_PUSH(t->im->arena, t->base, t->n_base, t->cap_base) = in->mem_vaddr;
	}
	if (in->rip_rel && (in->kind == INSN_CALL_IND || in->kind == INSN_JMP_IND))
		*ARENA_PUSH(t->im->arena, t->call, t->n_call, t->cap_call) =
			(struct got_call){ in->mem_vaddr, in->vaddr };
	if (in->kind == INSN_SYSCALL && in->len == 2 && in->byte[1] == 0x05)
		*ARENA_PUSH(t->im->arena, t->syscall, t->n_syscall, t->cap_syscall) = in->vaddr;
	if (in->imm32 && (t->im->kind == IMAGE_EXEC || t->im->kind == IMAGE_STATIC))
		set_pointer(t, in->imm);
}

static void end_padding(struct targets *t, uint64_t from, uint64_t to)
{
	if (from && to - from >= PADDING)
		*ARENA_PUSH(t->im->arena, t->pad, t->n_pad, t->cap_pad) = (struct padding){ from, to };
}

static void decode_range(struct targets *t, const struct range *r)
{
	uint64_t at = r->vaddr, next = 0, pad = 0;
	bool ended = true;

	while (at < r->end) {
		struct insn in;

		if (next <= at)
			next = targets_next_start(t, at);
		if (!insn_decode(r->p + (at - r->vaddr), r->end - at, at, &in) ||
		    (at < next && at + in.len > next)) {
			set_bit(t, MAP_ODD, at);
			end_padding(t, pad, at);
			pad = 0;
			ended = false;
			at++;
			continue;
		}
		set_bit(t, MAP_START, at);
		if (in.kind == INSN_NOP || (in.kind == INSN_TRAP && in.byte[0] == 0xcc)) {
			if (!pad && ended)
				pad = at;
		} else {
			end_padding(t, pad, at);
			pad = 0;
			ended = insn_ends(&in);
			see_insn(t, &in);
		}
		at += in.len;
	}
	end_padding(t, pad, at);
}

/* A rel32 branch at every offset: code that the linear decode missed, for instance behind
 * data in the text, is found this way. */
static void scan_rel32(const struct targets *t, const struct range *r)
{
	uint64_t n = r->end - r->vaddr;

	for (uint64_t i = 0; i + 5 <= n; i++) {
		uint64_t at = i + 1;
		int32_t d;

		if (r->p[i] == 0x0f && (r->p[i + 1] & 0xf0) == 0x80 && i + 6 <= n)
			at = i + 2;
		else if ((r->p[i] & 0xfe) != 0xe8)
			continue;
		memcpy(&d, r->p + at, 4);
		set_bit(t, MAP_TARGET, r->vaddr + at + 4 + (uint64_t)(int64_t)d);
	}
}

/* ---- pointers in data ---- */

static void see_words(const struct targets *t, uint64_t vaddr, uint64_t bytes, uint64_t step)
{
	const uint8_t *p = image_at(t->im, vaddr, bytes);

	for (uint64_t off = 0; p && off + 8 <= bytes; off += step) {
		uint64_t v;

		memcpy(&v, p + off, 8);
		set_pointer(t, v);
	}
}

/* DT_RELR: an even word is an address, an odd one a bitmap of the 63 words behind. */
static void see_relr(const struct targets *t, uint64_t vaddr, uint64_t bytes)
{
	const uint8_t *p = image_at(t->im, vaddr, bytes);
	uint64_t at = 0;

	for (uint64_t off = 0; p && off + 8 <= bytes; off += 8) {
		uint64_t v;

		memcpy(&v, p + off, 8);
		if (!(v & 1)) {
			see_words(t, v, 8, 8);
			at = v + 8;
			continue;
		}
		for (unsigned i = 0; i < 63; i++)
			if (v >> (i + 1) & 1)
				see_words(t, at + 8 * i, 8, 8);
		at += 63 * 8;
	}
}

static void find_pointers(const struct targets *t)
{
	const struct image *im = t->im;
	uint64_t rela = 0, rela_bytes = 0, relr = 0, relr_bytes = 0;
	Elf64_Dyn d;

	for (size_t i = 0; i < im->eh.e_phnum; i++) {
		const Elf64_Phdr *ph = &im->ph[i];
		struct bytes dyn = { ph->p_type == PT_DYNAMIC ? image_at(im, ph->p_vaddr, ph->p_filesz)
			: NULL, ph->p_filesz };

		for (uint64_t off = 0; dyn.p && bytes_get(dyn, off, &d, sizeof(d)); off += sizeof(d)) {
			switch (d.d_tag) {
			case DT_RELA: rela = d.d_un.d_val; break;
			case DT_RELASZ: rela_bytes = d.d_un.d_val; break;
			case 36: relr = d.d_un.d_val; break;		/* DT_RELR */
			case 35: relr_bytes = d.d_un.d_val; break;	/* DT_RELRSZ */
			default: break;
			}
		}
		/* Without relocations any word may be a pointer; those of .init_array and
		 * the like are in place even where there are relocations. */
		if (ph->p_type == PT_LOAD && (im->kind == IMAGE_EXEC || im->kind == IMAGE_STATIC))
			see_words(t, ph->p_vaddr, ph->p_filesz, 8);
	}
	if (rela_bytes >= 24)
		see_words(t, rela + 16, rela_bytes - 16, 24);
	see_relr(t, relr, relr_bytes);
}

static int by_got(const void *a, const void *b)
{
	const struct got_call *x = a, *y = b;

	if (x->got != y->got)
		return x->got < y->got ? -1 : 1;
	return x->vaddr < y->vaddr ? -1 : x->vaddr > y->vaddr;
}

struct targets *targets_new(const struct image *im)
{
	struct targets *t = arena_alloc(im->arena, sizeof(*t));

	t->im = im;
	find_code(t);
	find_starts(t);
	find_pointers(t);
	for (size_t i = 0; i < t->n_range; i++) {
		decode_range(t, &t->range[i]);
		scan_rel32(t, &t->range[i]);
	}
	see_tables(t);
	if (t->n_call)
		qsort(t->call, t->n_call, sizeof(*t->call), by_got);
	return t;
}

/* ---- questions ---- */

/* Is the decode around vaddr in doubt: something undecodable, or a target in the middle of
 * what was taken for an instruction? */
static bool doubtful(const struct range *r, uint64_t from, uint64_t to)
{
	for (uint64_t v = from; v < to; v++)
		if (test_bit(r, MAP_ODD, v) || (test_bit(r, MAP_TARGET, v) && !test_bit(r, MAP_START, v)))
			return true;
	return false;
}

/* Could any bytes near by be a short branch into [from, to)? */
static bool short_branch_into(const struct range *r, uint64_t near, uint64_t far, uint64_t from,
			      uint64_t to)
{
	for (uint64_t v = near; v + 2 <= far; v++) {
		uint8_t op = r->p[v - r->vaddr];
		uint64_t target = v + 2 + (uint64_t)(int64_t)(int8_t)r->p[v + 1 - r->vaddr];

		if ((op & 0xf0) != 0x70 && op != 0xeb && (op & 0xfc) != 0xe0)
			continue;
		if (target >= from && target < to)
			return true;
	}
	return false;
}

bool targets_in(const struct targets *t, uint64_t from, uint64_t to)
{
	const struct range *r = range_of(t, from);
	uint64_t near, far;

	if (!r || to > r->end)
		return true;
	for (uint64_t v = from; v < to; v++)
		if (test_bit(r, MAP_TARGET, v))
			return true;
	near = from - r->vaddr > NEAR ? from - NEAR : r->vaddr;
	far = r->end - to > NEAR ? to + NEAR : r->end;
	return doubtful(r, near, far) && short_branch_into(r, near, far, from, to);
}

bool targets_called(const struct targets *t, uint64_t vaddr)
{
	const struct range *r = range_of(t, vaddr);

	return r && test_bit(r, MAP_CALLED, vaddr);
}

bool targets_boundary(const struct targets *t, uint64_t vaddr)
{
	const struct range *r = range_of(t, vaddr);

	return r && test_bit(r, MAP_START, vaddr);
}

uint64_t targets_previous(const struct targets *t, uint64_t vaddr)
{
	for (uint64_t v = vaddr - 1; vaddr - v <= 15; v--)
		if (targets_boundary(t, v))
			return v;
	return 0;
}

const uint64_t *targets_syscalls(const struct targets *t, size_t *n)
{
	*n = t->n_syscall;
	return t->syscall;
}

uint64_t targets_code_end(const struct targets *t, uint64_t vaddr)
{
	const struct range *r = range_of(t, vaddr);

	return r ? r->end : 0;
}

const uint64_t *targets_got_calls(struct targets *t, const struct image_import *imp, size_t *n)
{
	size_t lo = 0, hi = t->n_call, cap = 0;
	uint64_t *v = NULL;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (t->call[mid].got < imp->got_vaddr)
			lo = mid + 1;
		else
			hi = mid;
	}
	*n = 0;
	for (; lo < t->n_call && t->call[lo].got == imp->got_vaddr; lo++)
		if (!imp->stub_vaddr || t->call[lo].vaddr - imp->stub_vaddr >= imp->stub_bytes)
			*ARENA_PUSH(t->im->arena, v, *n, cap) = t->call[lo].vaddr;
	return v;
}

void targets_reserve(struct targets *t, uint64_t from, uint64_t to)
{
	for (; from < to; from++)
		set_bit(t, MAP_TARGET, from);
}

uint64_t targets_take_padding(struct targets *t, uint64_t from)
{
	size_t lo = 0, hi = t->n_pad;

	while (lo < hi) {	/* the first that ends within reach */
		size_t mid = (lo + hi) / 2;

		if (t->pad[mid].end + 128 < from + 2)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < t->n_pad; lo++) {
		struct padding *p = &t->pad[lo];
		int64_t d = (int64_t)(p->vaddr - (from + 2));

		if (d > 127)
			return 0;
		while (d < -128 && p->end - p->vaddr > PADDING) {
			p->vaddr++;
			d++;
		}
		if (d < -128 || p->end - p->vaddr < PADDING || targets_in(t, p->vaddr, p->vaddr + PADDING))
			continue;
		targets_reserve(t, p->vaddr, p->vaddr + PADDING);
		p->vaddr += PADDING;
		return p->vaddr - PADDING;
	}
	return 0;
}
