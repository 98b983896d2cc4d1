/* SPDX-License-Identifier: MIT
 *
 * image.h - the target binary, read only: a view with every range checked.
 *
 * Works from program headers; sections and symbols are used where they exist. */
#ifndef BPFTIME_LINKER_PATCH_IMAGE_H
#define BPFTIME_LINKER_PATCH_IMAGE_H

#include <elf.h>
#include <sys/stat.h>

#include "arena.h"
#include "diag.h"
#include "reader.h"

#ifdef __cplusplus
extern "C" {
#endif

enum image_kind { IMAGE_EXEC, IMAGE_PIE, IMAGE_STATIC, IMAGE_STATIC_PIE, IMAGE_DSO };

struct image_symbol {
	const char *name, *version;	/* version NULL when there is none */
	uint64_t vaddr, bytes;
	uint8_t  type, bind;		/* STT_*, STB_* */
	bool     dynamic;		/* from .dynsym */
};

/* A function that is called through the PLT. */
struct image_import {
	const char *name, *version;
	uint64_t got_vaddr;		/* the GOT slot */
	uint64_t stub_vaddr;		/* the PLT stub that jumps through it, 0: none */
	uint32_t stub_bytes;
	bool     defined;		/* the image itself exports a definition of that name */
};

struct image_fde {		/* one of .eh_frame: a function's extent */
	uint64_t vaddr, bytes;
	uint64_t fde_vaddr;	/* where the FDE itself is */
	uint64_t lsda_vaddr;	/* its .gcc_except_table; 0: none */
};

struct image_go_fn {		/* a Go function */
	uint64_t vaddr, end;	/* up to the next: padding included */
	uint64_t resume_vaddr;	/* where it goes on when it recovered from a panic; 0: nowhere */
	const char *name;	/* NULL: damaged */
	bool     assembly;	/* or it may be: the table does not say */
	bool     wrapper;	/* only changes the calling convention */
};
struct image_go {
	struct image_go_fn *fn;	/* sorted by vaddr */
	size_t n_fn;		/* 0: a Go program whose table cannot be read */
};

struct image {
	struct arena *arena;
	const char   *path;
	struct bytes  file;
	struct stat   st;
	Elf64_Ehdr    eh;
	const Elf64_Phdr *ph;		/* copies, eh.e_phnum */
	const Elf64_Shdr *sh;		/* copies; n_sh may be 0 */
	size_t        n_sh;
	const char  **sh_name;		/* never NULL entries */
	enum image_kind kind;
	const char   *interp, *soname;	/* NULL when absent */
	const char  **needed;
	size_t        n_needed;
	struct bytes  build_id;
	const struct image_dyn *dyn;	/* image_priv.h; NULL without PT_DYNAMIC */
	struct image_symbol *sym; /* functions, sorted by vaddr then name; .symtab and .dynsym */
	size_t        n_sym;
	struct image_import *import;	/* sorted by name */
	size_t        n_import;
	struct image_fde *fde;		/* sorted by vaddr */
	size_t        n_fde;
	const struct image_go *go;	/* NULL: not a Go program */
	uint64_t      eh_frame_vaddr, eh_frame_hdr_vaddr;	/* 0: absent */
	uint64_t      init_vaddr;	/* DT_INIT, 0: none */
	uint64_t      vaddr_end;	/* one past the last PT_LOAD's memory */
};

/* Reads and checks.  Returns 0, -DIAG_E001, -DIAG_P001 (not ELF64 little endian x86-64
 * ET_EXEC/ET_DYN), -DIAG_P100 (truncated, ranges outside the file), -DIAG_P101 (PT_LOADs
 * unsorted or overlapping), -DIAG_P102 (a segment W and X), -DIAG_P103 (packed), -DIAG_P104.
 * A damaged symbol, version or FDE is left out; it does not make the file unreadable. */
int image_read(struct arena *a, const char *path, struct image **out, struct diags *dg);
/* The same from bytes already in memory (tests, audit). */
int image_parse(struct arena *a, const char *path, struct bytes file, const struct stat *st,
		struct image **out, struct diags *dg);

/* File bytes behind [vaddr, vaddr+n) of a PT_LOAD, or NULL when not all are in one. */
const uint8_t *image_at(const struct image *im, uint64_t vaddr, uint64_t n);
/* File bytes from vaddr to the end of its PT_LOAD's; .p NULL when there are none. */
struct bytes image_from(const struct image *im, uint64_t vaddr);
/* File offset of vaddr; UINT64_MAX when it is not in the file. */
uint64_t image_foff(const struct image *im, uint64_t vaddr);
/* PT_LOAD that holds vaddr, or NULL. */
const Elf64_Phdr *image_load_at(const struct image *im, uint64_t vaddr);
/* The FDE whose function holds vaddr, or NULL. */
const struct image_fde *image_fde_at(const struct image *im, uint64_t vaddr);
/* The Go function that holds vaddr, or NULL. */
const struct image_go_fn *image_go_fn_at(const struct image *im, uint64_t vaddr);
/* Section of that name, or NULL. */
const Elf64_Shdr *image_section(const struct image *im, const char *name);

/* One change to the file; the only thing that apply writes besides the new segment. */
struct edit {
	uint64_t     vaddr, foff;
	struct bytes before, after;	/* of equal length; before == what the file holds */
	const char  *why;
};
struct edits {
	struct edit *edit;
	size_t n, cap;
};
/* Adds an edit at vaddr (0: only foff counts).  `after` is borrowed. */
void edits_add(struct arena *a, struct edits *e, const struct image *im, uint64_t vaddr,
	       uint64_t foff, struct bytes after, const char *why);

#ifdef __cplusplus
}
#endif
#endif
