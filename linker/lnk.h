/* SPDX-License-Identifier: MIT
 *
 * lnk.h - a payload in the making, for the files that make it; payload.h is the way in.
 *
 *     tables.c   what a hook object says about itself, checked
 *                (with the other files of rows.h)                  at lnk_add_object
 *     select.c   which sections something reachable refers to    } at lnk_layout
 *     layout.c   where each goes                                 }
 *     finish.c   the bytes, relocated                              at lnk_finish
 *
 * Whatever the linker makes itself (payload header, attach table, ...) is a section of the
 * pseudo file `own`, so that places and addresses have one form. */
#ifndef BPFTIME_LINKER_LNK_H
#define BPFTIME_LINKER_LNK_H

#include "archive.h"
#include "cpu.h"
#include "eh_frame.h"
#include "objfile.h"
#include "hooks.h"
#include "payload.h"
#include "rt.h"

enum lnk_own {
	OWN_NULL, OWN_HEADER, OWN_TRAMP, OWN_ATTACH, OWN_OBJECTS, OWN_STRINGS, OWN_CFI,
	OWN_UNWIND, OWN_RX_END, OWN_RW, OWN_CONTROL, OWN_RW_END, OWN_FIXED
};

/* A place in a section; sec 0 of any file: nowhere. */
struct lnk_ref {
	struct obj_file *file;
	uint32_t sec;
	uint64_t off;
};

struct lnk_object {		/* one struct objfmt_object */
	struct objfmt_object row;
	struct lnk_ref  at;	/* the row itself */
	const char     *name;
	const struct objfmt_stamp *stamp;
	uint32_t        first_hook;
	struct lnk_ref  maps;	/* its struct bpftime_map[row.n_maps]; sec 0: none */
};

struct lnk_hook_at {
	struct lnk_hook row;	/* what payload.h shows of it */
	struct lnk_ref  entry, body;
};

struct lnk_attach {
	uint32_t    hook;
	const char *symbol;
	uint64_t    cookie, site_vaddr;
	bool        has_site;
	uint64_t    symbol_off;	/* in OWN_STRINGS */
};

/* A section whose name is a C identifier; the runtime finds all of that name between
 * __start_NAME and __stop_NAME. */
struct lnk_group {
	const char *name;
	uint32_t    start, stop;	/* sections of `own` */
};

struct lnk {
	struct arena  *arena;
	struct bytes   archive;
	const struct lnk_cpu *cpu;	/* of the first hook object */

	struct obj_file **file;		/* hook objects, in order of adding */
	size_t n_file, cap_file;
	struct obj_file *member;	/* of the archive, read at lnk_layout */
	size_t n_member;
	struct obj_file own;
	size_t cap_own;

	struct lnk_object *object;
	size_t n_object, cap_object;
	struct lnk_hook_at *hook;
	size_t n_hook, cap_hook;
	struct lnk_attach *attach;
	size_t n_attach, cap_attach;
	uint64_t room_bytes;
	const char *extern_name;	/* of the first extern, NULL: there is none */
	struct lnk_host {		/* functions of the target */
		const char    *name;
		struct lnk_ref row;
		uint64_t       vaddr;	/* 0: not found yet */
		bool           got;
	} *host;
	size_t n_host, cap_host;
	const char **required;		/* symbols of lnk_require */
	size_t n_required, cap_required;

	/* lnk_layout */
	struct lnk_symtab *symtab;	/* names of the archive and the linker; select.c */
	struct lnk_group *group;
	size_t n_group, cap_group;
	struct obj_sec **order;		/* live sections in the order of their addresses */
	struct obj_file **order_file;
	size_t n_order;
	struct lnk_target target;
	uint64_t dir_off, path_off;	/* in OWN_STRINGS */
	uint64_t rx_bytes, rw_bytes, rx_align;
	uint64_t rw_file_bytes;	/* the rest of RW is zeros */
	uint32_t placed_bits;		/* PAYLOAD_* that follow from where the parts are */
	uint64_t control_bytes;
	uint8_t *tramp, *cfi, *unwind;
	uint64_t unwind_bytes;		/* of lnk_set_unwind */

	/* lnk_place */
	bool     placed;
	uint64_t rx_vaddr, rw_vaddr;
	uint64_t entry_vaddr, init_vaddr;	/* the target's, 0: none */
};

/* Reads the tables of a hook object: adds its objects and hooks.  The file has been read
 * by objfile_read.  0, -DIAG_L005 (tables), -DIAG_L008 (unverified), -DIAG_L010 (made for
 * another ABI), -DIAG_L011 (too large). */
int lnk_read_tables(struct lnk *l, struct obj_file *f, bool allow_unverified, struct diags *dg);

/* Looks through the code of a hook object, or what is live of a member of the archive.
 * 0 or -DIAG_L013. */
int lnk_check_code(const struct lnk *l, const struct obj_file *f, struct diags *dg);

/* What symbol `sym` of f stands for; ->sec 0 when it is an undefined weak one.  Valid from
 * lnk_layout on.  false: undefined. */
bool lnk_resolve(const struct lnk *l, struct obj_file *f, uint32_t sym, struct lnk_ref *out);
/* The global of that name, of the linker or the archive. */
bool lnk_global(const struct lnk *l, const char *name, struct lnk_ref *out);
/* Reads the archive and marks what is reachable. */
int lnk_select(struct lnk *l, struct diags *dg);
/* Calls fn for each section of hook objects, archive and own, in that order. */
typedef void lnk_each_fn(struct lnk *l, struct obj_file *f, struct obj_sec *s, void *arg);
void lnk_each_section(struct lnk *l, lnk_each_fn *fn, void *arg);

uint64_t lnk_sec_vaddr(const struct lnk *l, const struct obj_sec *s);
static inline uint64_t lnk_ref_vaddr(const struct lnk *l, struct lnk_ref r)
{
	return lnk_sec_vaddr(l, &r.file->sec[r.sec]) + r.off;
}

/* Adds a section of the linker's own; returns its index. */
uint32_t lnk_own_section(struct lnk *l, const char *name, uint64_t flags, uint64_t bytes,
			 uint64_t align);

/* Does this name start or continue as C identifiers do, so that __start_ works? */
bool lnk_is_group_name(const char *name);

#endif
