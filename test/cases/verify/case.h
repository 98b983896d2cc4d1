/* SPDX-License-Identifier: MIT
 *
 * case.h - what the cases share.  A case is one object; its first line says why it is there.
 *
 *     accept/   every program is accepted, here and by the kernel
 *     reject/   the one program is refused at the line that ends with the code of the
 *               diagnostic as a comment, and by the kernel
 *     // says: TEXT      the message, or the lines that explain it, contain TEXT
 *     // kernel: accept (or reject, or skip), WHY    where the kernel differs, or needs not be asked */
#ifndef CASE_H
#define CASE_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "../../bpf_maps.h"

#define NAKED __attribute__((naked))
#define UPROBE(name_) SEC("uprobe") int name_(struct pt_regs *ctx)
#define UPROBE_ASM(name_) SEC("uprobe") NAKED int name_(void)
#define RINGBUF(name_)                                                            \
	struct {                                                                  \
		__uint(type, BPF_MAP_TYPE_RINGBUF);                               \
		__uint(max_entries, 4096);                                        \
	} name_ SEC(".maps")
/* Keeps the compiler from knowing a value. */
#define hide(x_) asm volatile("" : "+r"(x_))

char LICENSE[] SEC("license") = "GPL";

#endif
