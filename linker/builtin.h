/* SPDX-License-Identifier: MIT
 *
 * builtin.h - hook objects that are part of the linker. */
#ifndef BPFTIME_LINKER_BUILTIN_H
#define BPFTIME_LINKER_BUILTIN_H

#include "arena.h"
#include "reader.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The object `count` for one target, in `a`: map `calls`, one 8-byte counter of what
 * --uprobe names; with `latency` also a map of that name, the log2 histogram in ns of the
 * calls that --uretprobe names.
 * id     the target's build id, or other bytes that tell it from others; its first 8 name
 *        the map directory, count-<16 hex digits> */
struct bytes lnk_builtin_count(struct arena *a, struct bytes id, bool latency);

#ifdef __cplusplus
}
#endif
#endif
