/* SPDX-License-Identifier: MIT
 *
 * loader.c - see loader.h. */
#include "loader.h"

#include "elf64.h"
#include "proc.h"
#include "read.h"

enum {
	DYNAMIC = 256, PIECE = 8, PHDRS = 32, CHAIN = 64,
	PROGRAM_HEADERS = 6, DYNAMIC_SEGMENT = 2,	/* PT_PHDR, PT_DYNAMIC */
	AUX_PHDR = 3, AUX_PHNUM = 5,	/* AT_PHDR, AT_PHNUM */
	DYN_STRTAB = 5, DYN_SYMTAB = 6, DYN_DEBUG = 21,
};
#define DYN_GNU_HASH 0x6ffffef5u

struct wanted {
	uint32_t hash;		/* of the name, as DT_GNU_HASH has it */
	char     name[23];
};
static const struct wanted single = { 0xfecaacfe, "__libc_single_threaded" };
static const struct wanted since_2_35 = { 0xec08bb78, "__memcmpeq" };

/* What PT_DYNAMIC at that address says of a tag, 0: nothing.  Addresses are as glibc leaves them: absolute. */
static uint64_t value_of(uint64_t tag, uint64_t dynamic)
{
	struct { uint64_t tag, value; } d[PIECE];
	uint64_t n = PIECE;

	for (uint32_t i = 0; i < DYNAMIC && n == PIECE; i += PIECE) {
		n = rt_read_some(d, dynamic + i * sizeof(*d), sizeof(d)) / sizeof(*d);
		for (uint32_t j = 0; j < n; j++)
			if (!d[j].tag)
				return 0;
			else if (d[j].tag == tag)
				return d[j].value;
	}
	return 0;
}

/* struct r_debug: version, map */
static uint64_t first_of(uint64_t debug)
{
	uint64_t map;

	return debug && rt_read_all(&map, debug + 8, sizeof(map)) ? map : 0;
}

uint64_t rt_first_link(uint64_t dynamic)
{
	return first_of(value_of(DYN_DEBUG, dynamic));
}

static bool is_named(uint64_t at, const struct wanted *w)
{
	char c;

	for (uint32_t i = 0; rt_read_all(&c, at + i, 1) && c == w->name[i]; i++)
		if (!c)
			return true;
	return false;
}

/* The address of that symbol if the file defines it, else 0.  By DT_GNU_HASH: a Bloom filter, which is passed over;
 * the first symbol of each bucket; a word for each symbol, its hash but for the lowest bit, which ends a bucket. */
static uint64_t find(const struct rt_link *l, const struct wanted *w)
{
	uint64_t at = value_of(DYN_GNU_HASH, l->dynamic), syms = value_of(DYN_SYMTAB, l->dynamic);
	struct { uint32_t buckets, first, bloom, shift; } h;
	uint32_t i, word = 0;
	struct rt_sym s;

	if (!at || !rt_read_all(&h, at, sizeof(h)) || !h.buckets)
		return 0;
	at += sizeof(h) + 8ull * h.bloom;
	if (!rt_read_all(&i, at + w->hash % h.buckets * 4ull, sizeof(i)) || i < h.first)
		return 0;
	at += 4 * ((uint64_t)h.buckets - h.first);
	for (uint32_t n = 0; n < CHAIN && !(word & 1) && rt_read_all(&word, at + i * 4ull, sizeof(word)); n++, i++)
		if ((word | 1) == (w->hash | 1) && rt_read_all(&s, syms + i * sizeof(s), sizeof(s)) && s.shndx &&
		    is_named(value_of(DYN_STRTAB, l->dynamic) + s.name, w))
			return l->bias + s.value;
	return 0;
}

/* PT_DYNAMIC of the program itself. */
static uint64_t own_dynamic(void)
{
	uint64_t aux[RT_AUXV_WORDS], n = rt_auxv(aux), headers = 0, count = 0, bias = 0, dynamic = 0;
	struct rt_phdr p;

	for (uint64_t i = 0; i + 1 < n; i += 2) {
		headers = aux[i] == AUX_PHDR ? aux[i + 1] : headers;
		count = aux[i] == AUX_PHNUM ? aux[i + 1] : count;
	}
	for (uint64_t i = 0; i < count && i < PHDRS && rt_read_all(&p, headers + i * sizeof(p), sizeof(p)); i++) {
		bias = p.type == PROGRAM_HEADERS ? headers - p.vaddr : bias;
		dynamic = p.type == DYNAMIC_SEGMENT ? p.vaddr : dynamic;
	}
	return dynamic ? bias + dynamic : 0;
}

/* The word is glibc's own, or what the program has in its place (R_X86_64_COPY). */
struct rt_libc rt_libc_find(void)
{
	uint64_t debug = value_of(DYN_DEBUG, own_dynamic()), own = 0;
	struct rt_link l = { .next = first_of(debug) };

	for (uint32_t i = 0; i < RT_LINKS && l.next && rt_read_all(&l, l.next, sizeof(l)); i++) {
		if (!i)
			own = find(&l, &single);
		else if (find(&l, &since_2_35))
			return (struct rt_libc){ (const uint32_t *)debug, (const uint8_t *)(own ? own : find(&l, &single)) };
	}
	return (struct rt_libc){ 0 };
}
