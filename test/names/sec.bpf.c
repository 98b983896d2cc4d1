/* SPDX-License-Identifier: MIT
 *
 * Every form of SEC() that names a function. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

#define PROG(n_, sec_) SEC(sec_) int prog_##n_(void *ctx) { return 0; }

PROG(1, "uprobe/main")
PROG(2, "uprobe.s/main")
PROG(3, "uprobe/ns::Shape::area(int) const")
PROG(4, "uprobe.multi/names_shapes:ns::words*")
PROG(5, "uprobe.multi.s/names_shapes:_Z6global[ij]")
PROG(6, "uretprobe/names_shapes:global")
PROG(7, "uretprobe.s/names_shapes:global(int)")
PROG(8, "uretprobe.multi/ns::tw?ce<int>")
PROG(9, "uretprobe.multi.s/ns::twice<int>")
PROG(10, "ureplace/names_shapes:global")
PROG(11, "ufilter.s/global")
PROG(12, "uprobe/other_program:main")
PROG(13, "?uprobe/main")
