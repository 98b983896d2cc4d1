/* SPDX-License-Identifier: MIT
 *
 * cast.h - addresses that nobody vouches for, as vmlinux.h declares what makes them. */
#ifndef CAST_H
#define CAST_H

#include "case.h"

/* As in the kernel's headers, as far as they are used here. */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct list_head {
	struct list_head *next, *prev;
};
struct task_struct {
	unsigned int __state;
	int pid, tgid;
	struct task_struct *real_parent;
	struct list_head tasks;
	char comm[16];
};
#pragma clang attribute pop

extern void *bpf_rdonly_cast(const void *obj, __u32 type) __weak __ksym;

/* The id of a type in the kernel's BTF. */
#define KERNEL_TYPE_ID(type_) ((__u32)__builtin_btf_type_id(*(type_ *)0, 1))
#define AS(type_, p_) ((type_ *)bpf_rdonly_cast((const void *)(p_), KERNEL_TYPE_ID(type_)))

#endif
