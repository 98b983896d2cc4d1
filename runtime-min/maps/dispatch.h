/* SPDX-License-Identifier: MIT
 *
 * dispatch.h - from a map to the functions of its kind.
 *
 * A switch, not a table of function pointers: those would be absolute addresses.  Where
 * m is a constant, as in every hook object, the switch folds to a direct call. */
#ifndef BPFTIME_RUNTIME_DISPATCH_H
#define BPFTIME_RUNTIME_DISPATCH_H

#include "kinds.h"

/* RT_DISPATCH(m, suffix, otherwise, args...): rt_<kind of m>_<suffix>(args), or `otherwise`. */
#define RT_DISPATCH(m_, suffix_, otherwise_, ...)                                         \
	switch ((m_)->type) {                                                              \
	case MAP_TYPE_array: return rt_array_##suffix_(__VA_ARGS__);                       \
	default: return otherwise_;                                                        \
	}

#endif
