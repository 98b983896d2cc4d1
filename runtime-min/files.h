/* SPDX-License-Identifier: MIT
 *
 * files.h - a payload's maps get their memory. */
#ifndef BPFTIME_RUNTIME_FILES_H
#define BPFTIME_RUNTIME_FILES_H

#include "maps/place.h"

#pragma GCC visibility push(hidden)

/* Gives a map the memory of its file in folder (< 0: none): makes the file if there is none,
 * takes a sibling (name.1, name.2, ..) when the one there holds another map, private memory
 * when no file can be had.  The address of the data; NULL: no memory. */
char *rt_map_attach(struct rt_wanted *w, int64_t folder);

/* A step of that: the descriptor of the map's file, as w->bytes and w->solid want it, or -errno. */
int64_t rt_files_open(const struct rt_wanted *w);

/* <object>-<stamp8>; false: that is no name. */
enum { RT_FOLDER_BYTES = 240 };
bool rt_files_folder_name(const struct objfmt_object *o, char path[RT_FOLDER_BYTES]);

/* Opens the map that an element of the map of maps `outer` names, and maps it: *m and *base.
 * 0, or -errno; -ENOENT: there is no such map (any more). */
int64_t rt_files_open_inner(const struct bpftime_map *outer, const struct mapfmt_ref *ref,
			    struct bpftime_map *m, void **base);
void rt_files_close_inner(const struct bpftime_map *outer, const struct bpftime_map *m, void *base);

/* All maps of the payload.  Returns the number that had no file, or -1 when one has no memory
 * at all. */
int64_t rt_files_attach(int64_t dir);

#pragma GCC visibility pop

#endif
