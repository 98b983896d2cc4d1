/* SPDX-License-Identifier: MIT
 *
 * image_priv.h - the steps of image_parse(), one file each. */
#ifndef BPFTIME_LINKER_PATCH_IMAGE_PRIV_H
#define BPFTIME_LINKER_PATCH_IMAGE_PRIV_H

#include "image.h"

#ifdef __cplusplus
extern "C" {
#endif

/* PT_DYNAMIC as read; 0 for what is absent.  Pointers are unrelocated vaddrs. */
struct image_dyn {
	bool     present, runpath;	/* runpath: DT_RPATH or DT_RUNPATH */
	uint64_t symtab, strtab, strsz, hash, gnu_hash, versym;
	uint64_t verneed, n_verneed, verdef, n_verdef;
	uint64_t jmprel, jmprel_bytes, pltrel, rela, rela_bytes;
	uint64_t soname_off, flags_1, init;
	uint64_t n_symbols;	/* that fit into the file */
};

struct image_reader {
	struct image *im;
	struct diags *dg;
	struct image_dyn dyn;
	struct bytes  dynstr;	/* ends in NUL, or is empty */
	struct bytes  dynsym;	/* whole Elf64_Syms */
	size_t        n_dynsym;
	const char  **version;	/* by index; NULL entries */
	size_t        n_version;
	size_t        n_defined;	/* dynamic symbols that the image defines */
	size_t        cap_sym;
};

/* image_dyn.c: .dynamic, needed libraries, dynamic symbols' place, versions. */
int image_read_dynamic(struct image_reader *r);
/* Dynamic symbol i; false when there is none. *name is never NULL. */
bool image_dynsym(const struct image_reader *r, uint64_t i, Elf64_Sym *s, const char **name,
		  const char **version);
/* Bytes of the tables at DT_GNU_HASH and DT_HASH, by what they say of themselves. */
uint64_t image_gnu_hash_bytes(const struct image *im);
uint64_t image_hash_bytes(const struct image *im);
/* image_go.c: functions of a Go program. */
void image_read_go(struct image_reader *r);
/* image_sym.c: functions of .dynsym and .symtab, and Go's that have no symbol. */
void image_read_symbols(struct image_reader *r);
/* image_plt.c: JUMP_SLOT and GLOB_DAT relocations and the stubs that use them. */
void image_read_imports(struct image_reader *r);
/* image_eh.c: function extents from .eh_frame. */
void image_read_fdes(struct image_reader *r);

/* Cuts b behind its last NUL, so that every offset inside is a string. */
static inline struct bytes bytes_strings(struct bytes b)
{
	while (b.n && b.p[b.n - 1])
		b.n--;
	return b;
}

#ifdef __cplusplus
}
#endif

#endif
