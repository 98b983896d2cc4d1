/* SPDX-License-Identifier: MIT
 *
 * cast.h - addresses that nobody vouches for, as vmlinux.h declares what makes them. */
#ifndef CAST_H
#define CAST_H

#include "case.h"

extern void *bpf_rdonly_cast(const void *obj, __u32 type) __weak __ksym;

#endif
