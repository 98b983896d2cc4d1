/* SPDX-License-Identifier: MIT
 *
 * pages.h - the pages of an arena that are backed, as they are now. */
#ifndef BPFTIME_CTL_PAGES_H
#define BPFTIME_CTL_PAGES_H

#include "json.h"
#include "mapfile.h"

#ifdef __cplusplus
extern "C" {
#endif

/* As `hexdump -C` shows memory: 16 bytes a line behind the address that programs have for them, and `*`
 * for lines that are like the one before.  Returns 0, -DIAG_E001. */
int pages_text(const struct mapfile *m, FILE *out, struct diags *dg);
/* The same as an array: {"page","address","bytes"}. */
int pages_json(const struct mapfile *m, struct json *j, struct diags *dg);

#ifdef __cplusplus
}
#endif
#endif
