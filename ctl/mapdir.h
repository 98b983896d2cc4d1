/* SPDX-License-Identifier: MIT
 *
 * mapdir.h - the map directory: which map files there are, and which one a name means.
 *
 * The directory belongs to one user and nobody else may write to it; a directory that
 * is not like that is refused, since what lies in it would be read as ours. */
#ifndef BPFTIME_CTL_MAPDIR_H
#define BPFTIME_CTL_MAPDIR_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "arena.h"
#include "diag.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mapdir {
	int  fd;		/* -1: there is none, which is the same as an empty one */
	char path[PATH_MAX];
};

/* One map file, by name; nothing has been read from it. */
struct mapref {
	const char *dir;	/* folder: "sslsniff-0f1e2d3c"; NULL: the directory itself */
	const char *object;	/* "sslsniff" */
	const char *name;	/* file: "events" */
	const char *label;	/* "sslsniff/events"; dir instead of object where that is ambiguous */
};
struct mapref_list {
	struct mapref *ref;	/* sorted by folder, then file */
	size_t n, cap;
};

/* `dir`: --dir, or NULL for $BPFTIME_DIR or /dev/shm/bpftime-<uid>.
 * Returns 0, also when it does not exist, or -DIAG_M001 (not ours, not a directory). */
int mapdir_open(struct mapdir *d, const char *dir, struct diags *dg);
void mapdir_close(struct mapdir *d);

struct name_list {
	const char **name;	/* sorted */
	size_t n, cap;
};
/* The names in `folder` ("." for the directory itself); none when there is no such folder.
 * Returns 0 or -DIAG_E001. */
int mapdir_names(const struct mapdir *d, const char *folder, struct arena *a,
		 struct name_list *out, struct diags *dg);

/* Lists every map file.  Returns 0 or -DIAG_E001. */
int mapdir_list(const struct mapdir *d, struct arena *a, struct mapref_list *out,
		struct diags *dg);

/* The one map that `spec` means: "map" if unique, "object/map" if that is, else
 * "folder/map".  Returns 0, -DIAG_M003 (none; near names are mentioned), -DIAG_M004 (several). */
int mapdir_find(const struct mapdir *d, struct arena *a, const char *spec, struct mapref *out,
		struct diags *dg);

/* A regular file below the directory that is ours: opens `folder`/`file` without following
 * links.  folder may be NULL.  Returns a descriptor or -DIAG_E001, -DIAG_M001. */
int mapdir_open_file(const struct mapdir *d, const char *folder, const char *file, bool write,
		     struct diags *dg);

/* The folder of that name, made if need be, as is the directory itself.  Returns a descriptor,
 * -DIAG_E002 or -DIAG_M001. */
int mapdir_make_folder(struct mapdir *d, const char *folder, struct diags *dg);

/* A new file in an open folder, complete when it appears; `fill` writes it and returns 0 or an errno.
 * Returns 0 or an errno: EEXIST when there is one. */
int mapdir_make_file(int folder, const char *name, int (*fill)(int fd, const void *arg), const void *arg);

/* Removes every folder of `object` (or the one folder of that name) with its files; *n counts
 * the folders.  Returns 0, -DIAG_M003 or -DIAG_E002. */
int mapdir_remove(const struct mapdir *d, struct arena *a, const char *object, size_t *n,
		  struct diags *dg);

#ifdef __cplusplus
}
#endif
#endif
