/* SPDX-License-Identifier: MIT
 *
 * attach.h - which hooks go where: command-line symbols and SEC() names become wants. */
#ifndef BPFTIME_LINKER_PATCH_ATTACH_H
#define BPFTIME_LINKER_PATCH_ATTACH_H

#include "image.h"
#include "payload.h"
#include "record.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A place of the command line (--uprobe, --usdt, ...), in order. */
struct attach_arg {
	const char *option;	/* its name, without dashes */
	uint8_t     kind;	/* enum hook_kind that the option is named after */
	uint8_t     at;		/* enum want_at */
	bool        has_cookie;
	uint64_t    cookie;
	const char *text;	/* NAME, NAME+OFF, NAME@VERSION, @0xVADDR, 0xOFFSET, a glob; PROVIDER:NAME */
	bool        taken;	/* set when a program takes it */
};

/* "NAME+0x10" -> symbol and offset; "@0x401000" -> vaddr; "0x1000" -> offset in the file, as the
 * kernel's uprobe events have it.  The last '+' counts, and only
 * when a number follows it (C++ names may hold one).
 * Returns 0, or -DIAG_U001. */
int attach_parse_symbol(struct arena *a, const char *text, struct record_want *w,
			struct diags *dg);

/* Wants of one object (index `object` of r; its hooks are [first_hook, end_hook) of l).
 * With n_arg > 0 the arguments decide: each goes to the programs of its kind that have no
 * place of their own, or to those whose own place names the same symbol; --usdt to usdt
 * programs, or when the object has none to its uprobe programs.  Without
 * arguments the SEC() names decide:
 *     uprobe/PATH:sym[+off]  when PATH is the binary (same file, base name or soname), or
 *                            the binary needs PATH (then its import of sym)
 *     uprobe/sym             whatever the binary defines or imports; likewise uretprobe,
 *                            ureplace and ufilter
 *     usdt/PATH:prov:name    when PATH is the binary
 *     tracepoint/syscalls/sys_enter_NAME and the like: its system calls
 *     uprobe/@uretprobe      nothing; given arguments, wherever --uretprobe asks for (of
 *                            the built-in hook: the entry of what it times)
 * A program with no place, and no argument that it could have, gets a warning.  Returns the number of wants added, or a
 * negative diagnostic. */
int attach_object(struct record *r, uint32_t object, const struct lnk *l, uint32_t first_hook,
		  uint32_t end_hook, const struct image *im, struct attach_arg *arg, size_t n_arg,
		  struct diags *dg);

#ifdef __cplusplus
}
#endif
#endif
