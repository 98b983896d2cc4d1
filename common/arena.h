/* SPDX-License-Identifier: MIT
 *
 * arena.h - memory that is freed all at once.  One arena a unit of work (an object
 * being read, a plan, a payload); nothing in it is freed by itself.
 *
 * Allocation never returns NULL: when memory is out, or a size overflows, one line goes
 * to stderr and the process ends with EX_ENV (no output file exists at that point: they
 * appear complete or not at all). */
#ifndef BPFTIME_COMMON_ARENA_H
#define BPFTIME_COMMON_ARENA_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *a);	/* NULL is fine */

/* Zeroed, 16-byte aligned. */
void *arena_alloc(struct arena *a, size_t bytes);
/* n * bytes, overflow-checked. */
void *arena_array(struct arena *a, size_t n, size_t bytes);
void *arena_dup(struct arena *a, const void *p, size_t bytes);
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t max);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *arena_hex(struct arena *a, const void *p, size_t bytes);	/* "0f05c3" */

/* A growing array in an arena: ARENA_PUSH(a, vec, n, cap) makes room for one more and
 * evaluates to a pointer to it, zeroed. */
void *arena_grow(struct arena *a, void *vec, size_t n, size_t *cap, size_t bytes);
#define ARENA_PUSH(a_, vec_, n_, cap_)                                            \
	((vec_) = arena_grow((a_), (vec_), (n_), &(cap_), sizeof(*(vec_))), &(vec_)[(n_)++])

#ifdef __cplusplus
}
#endif
#endif
