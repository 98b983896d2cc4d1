/* SPDX-License-Identifier: MIT
 *
 * demangle.h - C++ and Rust names as people write them. */
#ifndef BPFTIME_LINKER_PATCH_DEMANGLE_H
#define BPFTIME_LINKER_PATCH_DEMANGLE_H

#include <stdbool.h>

#include "arena.h"

#ifdef __cplusplus
extern "C" {
#endif

/* "ns::Class::method" of a mangled symbol; with `args` "ns::Class::method(int) const", without
 * the type it returns.  NULL when the symbol is no such name. */
const char *demangle(struct arena *a, const char *symbol, bool args);

/* Does `symbol` mean what the user wrote: without a '(' the name alone, with one the arguments
 * too, exactly; as a pattern if it is one? */
bool demangle_matches(const char *symbol, const char *wanted, bool glob);

/* Can what the user wrote mean more than one function on purpose?  Where it has arguments or a receiver
 * a star is rather theirs. */
bool may_be_pattern(const char *wanted);

#ifdef __cplusplus
}
#endif
#endif
