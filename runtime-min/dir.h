/* SPDX-License-Identifier: MIT
 *
 * dir.h - the map directory and the files in it.
 *
 * A folder or file that is not ours alone (another owner, another type, writable by
 * others, a symbolic link) is not used.  Descriptors are closed again: the target's table
 * is as it was. */
#ifndef BPFTIME_RUNTIME_DIR_H
#define BPFTIME_RUNTIME_DIR_H

#include "mapfmt.h"
#include "rt_base.h"

enum {
	RT_DIR_BYTES = MAPFMT_DIR_BYTES, RT_TEMP_BYTES = 40,
};

#pragma GCC visibility push(hidden)

/* Remembers what the process was started with.  sp: argc as the kernel left it. */
void rt_dir_started(const uint64_t *sp);

/* The map directory, made if need be: $BPFTIME_DIR where init was given an environment, the
 * one stamped into the payload, /dev/shm/bpftime-<euid>.
 * Returns a descriptor or -errno; -EPERM when this process has rights its user has not (or
 * that cannot be found out): its maps stay private. */
int64_t rt_dir_open(void);

/* A folder inside, made if need be. */
int64_t rt_dir_folder(int64_t dir, const char *name);

/* The same, but it must be there. */
int64_t rt_dir_existing(int64_t dir, const char *name);

/* Opens a file for reading and writing; *bytes is its size. -ENOENT; -EPERM not ours. */
int64_t rt_dir_file(int64_t dir, const char *name, uint64_t *bytes);

struct rt_new {		/* a file in the making */
	int64_t dir, fd;
	char    temp[RT_TEMP_BYTES];	/* the name it has meanwhile, "" none */
};
/* A new file of that many bytes, with space for the first `solid`, that has no name of its own yet.
 * Returns its descriptor, or -errno. */
int64_t rt_dir_new(struct rt_new *n, int64_t dir, uint64_t bytes, uint64_t solid);
/* Gives it a name.  0; -EEXIST when another process was first. */
int64_t rt_dir_name(struct rt_new *n, const char *name);
/* Closes it; without a name it is gone. */
void rt_dir_end(struct rt_new *n);

/* Can this be a file's name? */
bool rt_dir_is_name(const char *name);

#pragma GCC visibility pop

#endif
