/* SPDX-License-Identifier: MIT
 *
 * rel.h - BPFTIME_REL() where small code counts more than fast code. */
#ifndef BPFTIME_RUNTIME_REL_H
#define BPFTIME_RUNTIME_REL_H

#include "rt_base.h"

#pragma GCC visibility push(hidden)
void *rt_rel(const int32_t *field);
#pragma GCC visibility pop

#define RT_REL(type_, field_) ((type_ *)rt_rel(&(field_)))

#endif
