/* SPDX-License-Identifier: MIT
 *
 * control.h - control files (abi/rt.h): which hooks there are, which are enabled, and
 * which processes run them. */
#ifndef BPFTIME_CTL_CONTROL_H
#define BPFTIME_CTL_CONTROL_H

#include "arena.h"
#include "mapdir.h"
#include "rt.h"

#ifdef __cplusplus
extern "C" {
#endif

struct control_hook {
	const char *id;		/* "0f1e2d3c:4": start of the payload id, index */
	const char *kind, *prog, *object, *symbol;
	uint64_t    vaddr, cookie;
	uint32_t   *word;	/* in the shared file; other processes read and write it */
};
struct control {
	const char *id;		/* the file's name: 16 hex digits */
	const char *target;
	struct rt_control *file;	/* mapped, shared; not trusted beyond what was checked */
	size_t      bytes;
	uint64_t    dev, ino;
	struct control_hook *hook;
	size_t      n_hook;
	int        *pid;	/* processes that have it mapped, ascending */
	size_t      n_pid, cap_pid;
};
struct control_list {
	struct control *control;	/* sorted by id */
	size_t n, cap;
};

/* Reads every control file.  One that is damaged is a warning, and left out.
 * Returns 0 or -DIAG_E001. */
int control_list(const struct mapdir *d, struct arena *a, struct control_list *out,
		 struct diags *dg);
void control_close(struct control_list *l);

/* Fills in pid: looks through the processes whose maps may be read, or at `pid` alone (> 0),
 * in which case controls it does not use are removed from the list.
 * Returns 0 or -DIAG_M013. */
int control_find_users(struct control_list *l, struct arena *a, int pid, struct diags *dg);

/* Adds the hooks in a process's memory that nothing has initialised so far: attached to it while it ran, not hit yet.
 * Their words are no process's. */
enum { CONTROL_ID_BYTES = 8 };
void control_add_waiting(struct control_list *l, struct arena *a, int pid);

/* Does `spec` mean this hook?  A hook id, the start (4 or more digits) of its payload's id, a
 * program, an object, object/program, or a symbol. */
bool control_matches(const struct control *c, const struct control_hook *h, const char *spec);

/* Removes the control files all of whose hooks belong to `object`. */
int control_remove(const struct mapdir *d, struct arena *a, const char *object,
		   struct diags *dg);

#ifdef __cplusplus
}
#endif
#endif
