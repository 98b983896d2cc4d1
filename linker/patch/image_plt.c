/* SPDX-License-Identifier: MIT
 *
 * image_plt.c - imports: GOT slots that a relocation fills with a function's address, and
 * the PLT stubs that jump through them.
 *
 * A stub is known by what it does, not by its section's name, so that files without
 * sections work too.  The shapes of binutils, lld, gold and mold (x86-64 psABI 5.2, 13.1):
 *
 *     .plt       jmp *slot(%rip); push $n; jmp plt0                    16 bytes
 *     .plt.got   jmp *slot(%rip); xchg %ax,%ax                          8 bytes
 *     .plt.sec   endbr64; [bnd] jmp *slot(%rip); nop                   16 bytes
 *     mold .plt  endbr64; mov $n,%r11d; jmp *slot(%rip)                16 bytes */
#include "image_priv.h"

#include <stdlib.h>

enum { MAX_PLTS = 16 };

struct stub {
	uint64_t got, vaddr;
	uint32_t bytes;
	bool     sure;		/* in a PLT section, or of the lazy form */
};

static bool skip(struct bytes b, uint64_t *off, const char *bytes, size_t n)
{
	const void *p = bytes_at(b, *off, n);

	if (!p || memcmp(p, bytes, n))
		return false;
	*off += n;
	return true;
}

/* What fills an entry up behind its jump. */
static bool skip_nop(struct bytes b, uint64_t *off)
{
	return skip(b, off, "\x90", 1) || skip(b, off, "\xcc", 1) || skip(b, off, "\x66\x90", 2) ||
	       skip(b, off, "\x0f\x1f\x00", 3) || skip(b, off, "\x0f\x1f\x40\x00", 4) ||
	       skip(b, off, "\x0f\x1f\x44\x00\x00", 5) ||
	       skip(b, off, "\x66\x0f\x1f\x44\x00\x00", 6);
}

/* Decodes a stub at off of b, which is loaded at vaddr. */
static bool stub_at(struct bytes b, uint64_t off, uint64_t vaddr, struct stub *out)
{
	uint64_t start = off, lazy;
	int32_t disp;

	if (skip(b, &off, "\xf3\x0f\x1e\xfa", 4) && skip(b, &off, "\x41\xbb", 2))
		off += 4;
	skip(b, &off, "\xf2", 1);
	if (!skip(b, &off, "\xff\x25", 2) || !bytes_get(b, off, &disp, sizeof(disp)))
		return false;
	off += 4;
	out->vaddr = vaddr + start;
	out->got = vaddr + off + (uint64_t)(int64_t)disp;
	out->sure = false;
	lazy = off;
	if (skip(b, &lazy, "\x68", 1) && bytes_at(b, lazy, 4)) {
		lazy += 4;
		skip(b, &lazy, "\xf2", 1);
		if (skip(b, &lazy, "\xe9", 1) && bytes_at(b, lazy, 4)) {
			off = lazy + 4;
			out->sure = true;
		}
	}
	while ((off - start) % 8 && skip_nop(b, &off))
		;
	if ((off - start) % 8)
		return false;
	out->bytes = (uint32_t)(off - start);
	return true;
}

static int by_got(const void *a, const void *b)
{
	const struct image_import *x = a, *y = b;

	return x->got_vaddr < y->got_vaddr ? -1 : x->got_vaddr > y->got_vaddr;
}

static struct image_import *find(const struct image *im, uint64_t got)
{
	struct image_import key = { .got_vaddr = got };

	return im->n_import ? bsearch(&key, im->import, im->n_import, sizeof(key), by_got) : NULL;
}

/* Looks at every eighth byte.  `sure`: these bytes are a PLT. */
static void scan(struct image *im, bool *seen_sure, struct bytes b, uint64_t vaddr, bool sure)
{
	struct stub s;

	for (uint64_t off = -vaddr & 7; off < b.n; off += 8) {
		struct image_import *imp;

		if (!stub_at(b, off, vaddr, &s) || !(imp = find(im, s.got)))
			continue;
		s.sure |= sure;
		if (imp->stub_vaddr && (seen_sure[imp - im->import] || !s.sure))
			continue;
		imp->stub_vaddr = s.vaddr;
		imp->stub_bytes = s.bytes;
		seen_sure[imp - im->import] = s.sure;
		off += (s.bytes & ~7u) - 8;
	}
}

static void find_stubs(struct image *im)
{
	bool *sure = arena_array(im->arena, im->n_import, sizeof(*sure));
	int n = 0;

	for (size_t i = 1; i < im->n_sh && n < MAX_PLTS; i++) {
		const Elf64_Shdr *sh = &im->sh[i];

		if (sh->sh_type != SHT_PROGBITS || !(sh->sh_flags & SHF_EXECINSTR) ||
		    (strncmp(im->sh_name[i], ".plt", 4) && strncmp(im->sh_name[i], ".iplt", 5)) ||
		    !image_at(im, sh->sh_addr, sh->sh_size))
			continue;
		n++;
		scan(im, sure,
		     (struct bytes){ image_at(im, sh->sh_addr, sh->sh_size), sh->sh_size },
		     sh->sh_addr, true);
	}
	if (n)
		return;
	for (size_t i = 0; i < im->eh.e_phnum && !im->n_sh; i++) {
		const Elf64_Phdr *ph = &im->ph[i];

		if (ph->p_type == PT_LOAD && (ph->p_flags & PF_X))
			scan(im, sure, (struct bytes){ im->file.p + ph->p_offset, ph->p_filesz },
			     ph->p_vaddr, false);
	}
}

static void read_relocs(struct image_reader *r, uint64_t vaddr, uint64_t bytes, size_t *cap)
{
	struct image *im = r->im;
	struct bytes b = { image_at(im, vaddr, bytes), bytes };
	Elf64_Rela rl;

	if (!b.p)
		return;
	for (uint64_t off = 0; bytes_get(b, off, &rl, sizeof(rl)); off += sizeof(rl)) {
		uint64_t type = ELF64_R_TYPE(rl.r_info);
		const char *name, *version;
		Elf64_Sym s;
		uint8_t st;

		if ((type != R_X86_64_JUMP_SLOT && type != R_X86_64_GLOB_DAT) ||
		    !image_load_at(im, rl.r_offset) ||
		    !image_dynsym(r, ELF64_R_SYM(rl.r_info), &s, &name, &version) || !*name)
			continue;
		st = ELF64_ST_TYPE(s.st_info);
		if (type == R_X86_64_GLOB_DAT && st != STT_FUNC && st != STT_GNU_IFUNC &&
		    st != STT_NOTYPE)
			continue;
		*ARENA_PUSH(im->arena, im->import, im->n_import, *cap) = (struct image_import){
			.name = name, .version = version, .got_vaddr = rl.r_offset,
			.defined = s.st_shndx != SHN_UNDEF };
	}
}

static int by_name(const void *a, const void *b)
{
	const struct image_import *x = a, *y = b;
	int c = strcmp(x->name, y->name);

	return c ? c : by_got(a, b);
}

void image_read_imports(struct image_reader *r)
{
	struct image *im = r->im;
	size_t cap = 0, kept = 0;

	if (r->dyn.pltrel == DT_RELA)
		read_relocs(r, r->dyn.jmprel, r->dyn.jmprel_bytes, &cap);
	read_relocs(r, r->dyn.rela, r->dyn.rela_bytes, &cap);
	if (!im->n_import)
		return;
	qsort(im->import, im->n_import, sizeof(*im->import), by_got);
	/* DT_RELA may include DT_JMPREL. */
	for (size_t i = 0; i < im->n_import; i++)
		if (!kept || im->import[kept - 1].got_vaddr != im->import[i].got_vaddr)
			im->import[kept++] = im->import[i];
	im->n_import = kept;
	find_stubs(im);
	qsort(im->import, im->n_import, sizeof(*im->import), by_name);
}
