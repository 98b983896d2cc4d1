/* SPDX-License-Identifier: MIT
 *
 * proc.h - a running process, as /proc shows it: what is mapped where, and its memory.
 *
 * Nothing here stops or traces it.  What it says may be out of date at once: whoever writes
 * looks again when all threads are stopped (stop.h). */
#ifndef BPFTIME_LINKER_LIVE_PROC_H
#define BPFTIME_LINKER_LIVE_PROC_H

#include "arena.h"
#include "diag.h"
#include "image.h"

#ifdef __cplusplus
extern "C" {
#endif

struct proc_map {		/* a line of /proc/PID/maps */
	uint64_t start, end, foff;
	uint64_t dev, ino;	/* 0: no file */
	bool     r, w, x, shared;
	bool     deleted;
	const char *path;	/* "", "[stack]", or of the file, as the process sees it */
};

struct proc {
	struct arena *arena;	/* for what lives as long as this */
	const char *name;	/* "process 123 (nginx)", for messages */
	int      pid;		/* the thread group */
	int      mem;		/* /proc/PID/mem */
	uint32_t uid;		/* effective */
	int      seccomp;	/* 0 none, 1 strict, 2 filters */
	uint64_t start_time;	/* tells it from a later process of that number */
	struct arena *maps_arena;
	struct proc_map *map;	/* ascending */
	size_t   n_map, cap_map;
};

/* A thread's id means its process.  Returns 0, -DIAG_P300 (there is none, or it has ended) or
 * -DIAG_P301 (it cannot be traced, with the reason).  Release with proc_close(). */
int  proc_open(struct arena *a, int pid, struct proc **out, struct diags *dg);
void proc_close(struct proc *p);

/* Reads the maps, and opens the memory anew: an exec in between gives the number another one. */
int proc_refresh(struct proc *p, struct diags *dg);

/* Is it still there, and the same process? */
bool proc_alive(const struct proc *p);

/* false: not all of it is readable. */
bool proc_read(const struct proc *p, uint64_t at, void *to, size_t n);
/* As many bytes as can be read from `at` on, at most n. */
size_t proc_read_some(const struct proc *p, uint64_t at, void *to, size_t n);
/* Also where the process itself may not write.  The caller traces it. */
bool proc_write(const struct proc *p, uint64_t at, const void *from, size_t n);

const struct proc_map *proc_map_at(const struct proc *p, uint64_t at);

/* A field of /proc/PID/status (or that of a thread), its number; -1: there is none. */
long proc_status(int pid, const char *field);

/* The letter of its state; 0: there is none. */
char proc_state(int pid);

/* A program or library that is mapped to be run. */
struct proc_module {
	struct proc_map code;	/* its first executable mapping */
	const char   *path;
	bool          exe;	/* the program itself */
	struct image *im;	/* once read */
	uint64_t      bias;	/* memory address - address in the file */
	struct bytes  id;	/* of the file */
};
/* All of them, the program first; they outlive proc_refresh(). */
struct proc_module *proc_modules(struct proc *p, size_t *n);

/* Reads the file of a module, also when it was deleted or replaced, and compares what identifies
 * it with the memory.  Returns 0, what image_read returns, or -DIAG_P302. */
int proc_module_read(struct proc *p, struct proc_module *m, struct diags *dg);

#ifdef __cplusplus
}
#endif
#endif
