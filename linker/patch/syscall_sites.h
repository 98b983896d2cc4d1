/* SPDX-License-Identifier: MIT
 *
 * syscall_sites.h - where a binary enters the kernel. */
#ifndef BPFTIME_LINKER_PATCH_SYSCALL_SITES_H
#define BPFTIME_LINKER_PATCH_SYSCALL_SITES_H

#include "plan.h"
#include "targets.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { SYSCALL_ANY = -1 };

/* "sys_enter_NAME", "sys_exit_NAME", "sys_enter", "sys_exit" (any system call).
 * *nr is SYSCALL_ANY or a number; false when there is no such system call. */
bool syscall_parse(const char *name, int32_t *nr, bool *exit);

/* The number in eax at a `syscall` instruction, where straight-line code in front of it says
 * so, else SYSCALL_ANY.  Whatever is unknown is compared when it runs. */
int32_t syscall_number(const struct image *im, const struct targets *t, uint64_t vaddr);

/* Why this instruction must stay where it is; NULL: it may be moved. */
const char *syscall_refused(const struct image *im, const struct targets *t, uint64_t vaddr,
			    int32_t nr);

/* Calls after which a second process or thread, or another stack, may go on: nothing may be
 * kept on the stack across them. */
bool syscall_leaves_stack(int32_t nr);
/* All of these, ended by SYSCALL_ANY. */
extern const int32_t syscall_leaving[];

#ifdef __cplusplus
}
#endif
#endif
