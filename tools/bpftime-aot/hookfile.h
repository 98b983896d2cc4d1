/* SPDX-License-Identifier: MIT
 *
 * hookfile.h - a hook object of any CPU, read for showing.  (The payload linker reads them
 * for linking, and only those of CPUs it can link.) */
#ifndef BPFTIME_AOT_HOOKFILE_H
#define BPFTIME_AOT_HOOKFILE_H

#include <elf.h>

#include "arena.h"
#include "diag.h"
#include "objfmt.h"
#include "reader.h"

struct hookfile {
	struct arena *a;
	const char   *path;
	struct bytes  file;
	const Elf64_Shdr *sh;	/* copies */
	size_t        n_sh;
	const char  **sh_name;	/* never NULL entries */
	struct objfmt_object object;
	const struct bpftime_map *map;	/* copies; *_rel fields are not resolved */
	const struct objfmt_hook *hook;
	struct objfmt_stamp  stamp;
};

/* Returns 0, -DIAG_E001 or -DIAG_L001. */
int hookfile_open(struct arena *a, const char *path, struct bytes file, struct hookfile *out,
		  struct diags *dg);
/* Is it an ELF file with a .bpftime.object section? */
bool hookfile_is(struct bytes file);

/* What the self-relative field at byte `off` of `section` points at: a string ("" when it is
 * none), or the name of the symbol or section. */
const char *hookfile_str(const struct hookfile *h, const char *section, size_t off);
const char *hookfile_sym(const struct hookfile *h, const char *section, size_t off);

/* Bytes of a section; empty when there is none of that name. */
struct bytes hookfile_section(const struct hookfile *h, const char *name);

#endif
