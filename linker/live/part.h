/* SPDX-License-Identifier: MIT
 *
 * part.h - what attaching consists of: a payload for each module that gets hooks.
 *
 *     choose.c   which hooks go to which module; the plans
 *     build.c    the bytes of a payload with its record, for one place
 *     check_<cpu>.c   where threads are
 *     attach.c   the steps in order
 *     record.c   what is attached already; detach.c takes it out */
#ifndef BPFTIME_LINKER_LIVE_PART_H
#define BPFTIME_LINKER_LIVE_PART_H

#include "job.h"
#include "live.h"
#include "livefmt.h"
#include "remote.h"

#ifdef __cplusplus
extern "C" {
#endif

struct live_edit {
	uint64_t at;		/* memory address */
	struct bytes before, after;
	uint32_t kind;		/* enum livefmt_edit_kind */
	uint32_t rank;		/* written in ascending order */
};

struct live_part {
	struct proc_module *m;
	struct patch_job job;
	struct lnk_size size;
	uint64_t head_bytes, rx_bytes, rw_bytes;	/* rx: head, payload and record, whole pages */
	uint64_t at;		/* of the head, in memory */
	bool     mapped;
	struct bytes rx, rw;	/* what goes there */
	struct live_edit *edit;
	size_t   n_edit, cap_edit;
	const struct live_part *serves;	/* it is for an unwinder that has to know of that one, with: */
	struct site *site;		/* the entry of the unwinder's search */
	struct tramp_site *ts;
};
struct live_parts {
	struct live_part *part;
	size_t n, cap;
};

/* Payloads that are in the process already, in the order of attaching. */
struct live_found {
	struct livefmt_head head;
	const char *path;	/* of the module */
	struct live_edit *edit;
	size_t   n_edit;
	uint64_t slots;		/* address of the return slots, 0: none */
	bool     kept;		/* detach.c: it stays mapped */
};
struct live_list {
	struct live_found *found;
	size_t n, cap;
};

/* What has been attached before, when modules that were loaded since are looked at. */
struct live_scope {
	struct proc_map *seen;	/* modules that need no further look */
	size_t n_seen, cap_seen;
	bool  *hook_done;	/* hooks that have a place */
	struct bytes id;	/* of the program */
};

/* attach.c: to a process that the caller has opened, and may have stopped threads of.
 * scope: NULL, or what is kept from one time to the next. */
int live_attach_to(struct proc *p, struct stopped *stopped, const struct patch_request *patch,
		   bool plan_only, struct live_scope *scope, struct live_result *out, struct diags *dg);

/* print.c: a line for each module of which something is refused. */
typedef void live_tell(void *arg, const char *path, const char *text);
void live_tell_refused(const struct live_result *r, live_tell *tell, void *arg);

/* choose.c */
int live_choose(struct proc *p, struct proc_module *module, size_t n_module,
		const struct patch_request *req, const struct live_list *old, struct live_scope *scope,
		struct live_parts *out, struct live_parts *unwind, struct diags *dg);

/* build.c: at first the sizes, then for part->at the bytes and edits. */
int live_size(struct live_part *part, struct diags *dg);
int live_build(struct live_part *part, uint32_t seq, struct diags *dg);
uint64_t live_bytes(const struct live_part *part);	/* of both mappings */

/* unwind_<cpu>.c: unwinders ask _Unwind_Find_FDE(pc, bases) for the unwind data of an address; they
 * know only what the dynamic linker has loaded.  A few instructions at its entry answer for a payload.
 * Is the module an unwinder whose search can be hooked?  *why: why not. */
bool unwind_hookable(struct proc *p, const struct proc_module *m, const char **why);
/* The part of module m that serves `part`; then, when that one has its place and this one too, its bytes. */
int unwind_part(struct proc *p, struct proc_module *m, const struct live_part *serves,
		struct live_part *out, struct diags *dg);
int unwind_build(struct live_part *part, uint32_t seq, struct diags *dg);

/* record.c: reads what the memory says; what does not hold together is left out with a
 * warning. */
int live_read(struct proc *p, struct live_list *out, struct diags *dg);
/* Memory of the process that the payload's maps have, outside of its own two mappings. */
struct live_range {
	uint64_t from, to;
};
struct live_range *live_map_memory(struct proc *p, const struct live_found *f, size_t *n);
/* The bytes of a record. */
struct bytes live_record(struct arena *a, const struct live_part *part, uint64_t slots_off);
uint64_t live_record_bound(const char *path, size_t n_edit);

/* edit.c */
/* Is every byte what `code` says: 0 nothing of it is written, 1 all or some is, -1 somebody else
 * has changed something. */
int  live_edits_state(const struct proc *p, const struct live_edit *e, size_t n, uint64_t *where);
/* In order; on failure what was written is undone. */
bool live_write_edits(const struct proc *p, const struct live_edit *e, size_t n);
/* The other way round. */
bool live_undo_edits(const struct proc *p, const struct live_edit *e, size_t n);

/* check_<cpu>.c */
/* Can all threads that stand inside the bytes of an edit go on in the trampolines?  Also those
 * whose interrupted places are kept for the return from a signal handler.  0, or the id of one that
 * cannot: it has to go on a little. */
int  live_check_threads(struct stopped *s, const struct live_part *part);
/* Then they do, also when this program is killed. */
void live_move_threads(struct stopped *s, const struct live_part *part);
/* Is the thread in a signal handler that interrupted it in [from, to)? */
bool live_interrupted(const struct stopped *s, const struct stopped_thread *t, uint64_t from, uint64_t to);
/* Is a thread in [from, to), or may return there? */
bool live_in_use(const struct stopped *s, uint64_t from, uint64_t to);

#ifdef __cplusplus
}
#endif
#endif
