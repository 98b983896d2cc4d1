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

enum { CONTROL_ID_BYTES = 8 };	/* of a payload's id: its file's name is these in hex digits */

struct control_hook {
	const char *id;		/* "0f1e2d3c:4": start of the payload id, index */
	const char *kind, *prog, *object, *symbol;
	uint64_t    vaddr, cookie;
	uint32_t   *word;	/* in the shared file; other processes read and write it */
};
struct control {
	const char *id;		/* the file's name */
	const char *target;
	struct rt_control *file;	/* mapped, shared; not trusted beyond what was checked */
	size_t      bytes;
	uint64_t    dev, ino;
	struct control_hook *hook;
	size_t      n_hook;
	int        *pid;	/* processes that have it mapped, or will, ascending */
	size_t      n_pid, cap_pid;
	const char *awaited;	/* NULL: all this is in a file.  Else it has none, and `file` is memory of ours;
				 * it is the map directory where the process will look for one, "": it never will */
	bool        here;	/* and that is the directory that was asked for */
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

/* Fills in pid: looks through the processes whose maps may be read, and removes what awaits a file in another
 * directory; or looks at `pid` alone (> 0), and removes what it does not use.
 * Returns 0 or -DIAG_M013. */
int control_find_users(struct control_list *l, struct arena *a, int pid, struct diags *dg);

/* Adds the hooks in the memory of process `pid`, or of all whose memory may be read (0), that nothing has initialised
 * so far: attached to it while it ran, not hit yet.  Where such a process will find a control file that
 * is in the list already it becomes a user of that.  Comes before control_find_users(). */
void control_add_waiting(const struct mapdir *d, struct control_list *l, struct arena *a, int pid);

/* Makes the control file of hooks that await one here, as initialising them would: the process will find it.
 * Returns 0, -DIAG_M010, or what mapdir_make_folder returns. */
int control_make(struct mapdir *d, struct arena *a, struct control *c, struct diags *dg);

/* control.c: the hooks that the file's tables tell of, which are known to fit in it. */
void control_read_hooks(struct control *c, struct arena *a, uint32_t n_attach, uint32_t attach_off);
void control_add_pid(struct control *c, struct arena *a, int pid);
/* The processes that /proc shows, but for this one.  Returns how many. */
size_t control_processes(struct arena *a, int **pid);
/* Opens the one of that name.  false: it was warned about. */
bool control_open(const struct mapdir *d, struct arena *a, const char *name, struct control *c, struct diags *dg);

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
