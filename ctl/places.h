/* SPDX-License-Identifier: MIT
 *
 * places.h - what an address in a stack means: which file's code it was, and which function.
 *
 * Processes write down which file they had where (RT_MODULES_FILE, rt.h), so it does not matter whether
 * they are alive.  The file is read when a name is wanted, and only believed if it still has the build id. */
#ifndef BPFTIME_CTL_PLACES_H
#define BPFTIME_CTL_PLACES_H

#include "arena.h"
#include "mapdir.h"
#include "mapfmt.h"
#include "rt.h"

#ifdef __cplusplus
extern "C" {
#endif

struct module {
	uint64_t start;
	struct rt_module_record r;
	char  path[sizeof(((struct rt_module_record *)0)->path) + 1];	/* shown; "" unknown */
	const struct image *im;	/* once it was asked for */
	bool  looked;
};
struct module_list {
	struct module *m;
	size_t n, cap;
	size_t ambiguous;	/* addresses that several files had, in different processes */
};
/* Reads RT_MODULES_FILE; no file is an empty list.  Returns 0, or what mapfile_open_ref returns. */
int places_open(const struct mapdir *d, struct arena *a, struct module_list *out, struct diags *dg);

struct place {
	const struct module *m;	/* NULL: not known */
	uint64_t vaddr;		/* in the file */
	const char *symbol;	/* as people write it; NULL: no function of a known name */
	uint64_t off_bytes;	/* behind its start */
};
/* Where the stack says in which file it is (MAPFMT_BUILD_ID_VALID): a file that some process had, and that
 * still is that one. */
struct place place_of_build_id(struct module_list *l, struct arena *a, const struct mapfmt_build_id *f, bool exact);
/* pid: of the process that had the address, 0: not known.  exact: ip is the place itself, else a return
 * address, which belongs to the call in front of it. */
struct place place_of_ip(struct module_list *l, struct arena *a, uint64_t ip, uint32_t pid, bool exact);

/* "function", "file+0x1f", "0x7f00.." or, of a file that is not known, "0a1b..+0x1f", its build id and
 * an offset in it: one word, as folded stacks have it. */
const char *place_name(const struct place *p, struct arena *a, const struct mapfmt_build_id *f);

#ifdef __cplusplus
}
#endif
#endif
