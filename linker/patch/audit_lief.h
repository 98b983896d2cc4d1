/* SPDX-License-Identifier: MIT
 *
 * audit_lief.h - what LIEF 0.9's C reader finds in a file, as lines of text.
 *
 * LIEF only reads, and crashes on damaged files: this runs in a child process.  Its headers
 * do not go together with <elf.h> and <stdbool.h>, so nothing here includes them. */
#ifndef BPFTIME_LINKER_PATCH_AUDIT_LIEF_H
#define BPFTIME_LINKER_PATCH_AUDIT_LIEF_H

#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

struct audit_ctx;

extern const int audit_lief_built;	/* 0: LIEF's headers were not there */

/* 0, or 1 when the file cannot be read or the library cannot be loaded. */
int audit_lief_dump(const struct audit_ctx *c, const char *path, FILE *out);

/* File range [foff, foff+n) as far as it is not an edited site is added to a digest. */
struct sha256;
void audit_hash_range(const struct audit_ctx *c, struct sha256 *s, const uint8_t *p, uint64_t foff,
		      uint64_t n);

#ifdef __cplusplus
}
#endif

#endif
