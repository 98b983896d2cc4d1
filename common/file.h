/* SPDX-License-Identifier: MIT
 *
 * file.h - whole files in, whole files out.  An output file appears complete or not
 * at all; what is not a regular file (/dev/full, a pipe) is written through, never
 * renamed over. */
#ifndef BPFTIME_COMMON_FILE_H
#define BPFTIME_COMMON_FILE_H

#include <sys/stat.h>

#include "arena.h"
#include "diag.h"
#include "reader.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Reads all of `path` into the arena.  st, if not NULL, receives its fstat().
 * Returns 0 or -DIAG_E001 (missing, a directory, unreadable, over 4 GiB). */
int file_read(struct arena *a, const char *path, struct bytes *out, struct stat *st,
	      struct diags *dg);

/* Are both names of one file that exists? */
bool file_same(const char *x, const char *y);

/* Replaces `path` by n bytes: a file without a name (where the filesystem has none, with another
 * name in the same folder), fsync, link or rename.  A process that is killed leaves nothing.  With
 * `like` the new file takes its mode, owner and (if any) security.capability and other
 * extended attributes; set-id bits only together with
 * the owner.  What did not exist is not replaced if it does at last.  Follows a symbolic link to the file it names.
 * Returns 0 or -DIAG_E002; on error nothing has changed and nothing is left behind. */
int file_write(const char *path, const void *p, size_t n, mode_t mode, const char *like,
	       struct diags *dg);

/* Writes all of the n bytes.  0, or -1 and errno. */
int file_put(int fd, const void *p, size_t n);

/* What follows the last slash. */
const char *path_base(const char *path);

#ifdef __cplusplus
}
#endif
#endif
