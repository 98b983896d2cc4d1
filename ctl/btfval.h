/* SPDX-License-Identifier: MIT
 *
 * btfval.h - bytes shown as what their BTF type says they are.
 *
 * The JSON form is that of `bpftool map dump -j` ("formatted"); the text form is a C
 * initialiser on one line.  Neither BTF nor bytes are trusted: nothing outside [p, p+n) is
 * read, nesting and the number of printed elements are bounded. */
#ifndef BPFTIME_CTL_BTFVAL_H
#define BPFTIME_CTL_BTFVAL_H

#include <bpf/btf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "json.h"

#ifdef __cplusplus
extern "C" {
#endif

enum btfval_style {
	BTFVAL_BPFTOOL,	/* char arrays are strings only when printable, as in bpftool */
	BTFVAL_TEXT,	/* char arrays are strings up to their NUL, whatever they hold */
};

/* Writes one JSON value; `key` as in json.h.  What has no value (bytes missing, a type
 * without size, BTF that leads nowhere) is null. */
void btfval_json(struct json *j, const char *key, const struct btf *btf, uint32_t type_id,
		 const void *p, size_t n, enum btfval_style style);

/* Writes the same as text, without an end of line. */
void btfval_text(FILE *out, const struct btf *btf, uint32_t type_id, const void *p, size_t n);

/* The type behind typedefs and qualifiers; NULL when BTF leads nowhere. */
const struct btf_type *btfval_resolve(const struct btf *btf, uint32_t type_id, uint32_t *id);

/* Size of a value in bytes, or -1. */
int64_t btfval_size(const struct btf *btf, uint32_t type_id);

/* Is it an integer (or enum, pointer, bool) of 1, 2, 4 or 8 bytes?  *is_signed may be NULL. */
bool btfval_is_scalar(const struct btf *btf, uint32_t type_id, bool *is_signed);

/* Is it an array of char? */
bool btfval_is_string(const struct btf *btf, uint32_t type_id);

#ifdef __cplusplus
}
#endif
#endif
