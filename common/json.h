/* SPDX-License-Identifier: MIT
 *
 * json.h - a streaming JSON writer.  Commas, escaping and nesting are its business;
 * bytes that are not UTF-8 are written as \u00XX. */
#ifndef BPFTIME_COMMON_JSON_H
#define BPFTIME_COMMON_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

struct json {
	FILE    *out;
	uint32_t depth;
	uint64_t comma;		/* bit d: something was already written at depth d */
};

static inline struct json json_on(FILE *out)
{
	struct json j = { out, 0, 0 };
	return j;
}

/* key is NULL inside arrays and at the top. At most 60 levels. */
void json_open(struct json *j, const char *key, char bracket);	/* '{' or '[' */
void json_close(struct json *j, char bracket);			/* '}' or ']'; ends the line at the top */
void json_str(struct json *j, const char *key, const char *s);	/* NULL: null */
void json_strn(struct json *j, const char *key, const char *s, size_t n);
void json_u64(struct json *j, const char *key, uint64_t v);
void json_i64(struct json *j, const char *key, int64_t v);
void json_hex(struct json *j, const char *key, uint64_t v);	/* "0x2a" */
void json_hexbytes(struct json *j, const char *key, const void *p, size_t n);	/* "0f05c3" */
void json_double(struct json *j, const char *key, double v);
void json_bool(struct json *j, const char *key, bool v);
void json_null(struct json *j, const char *key);

#ifdef __cplusplus
}
#endif
#endif
