/* SPDX-License-Identifier: MIT
 *
 * A second object with names of the first: they must not meet. */
#include "objfmt.inc"

	.section .bpftime.object, "a", @progbits
object:	objfmt_object 1, maps, 1, hooks, stamp, name
	.section .bpftime.maps, "a", @progbits
maps:	objfmt_map 2, array, 4, 8, 2, 0, 0, s_calls, object, 0, room, 4096
	.section .bpftime.hooks, "a", @progbits
hooks:	objfmt_hook 0, 0, 0, entry_a, 0, s_prog, s_sec, 0, 0xb1
	.section .bpftime.stamp, "a", @progbits
stamp:	objfmt_stamp 1, 0xbb, "x86_64", "by hand"
	.section .bpftime.str, "a", @progbits
name:	.asciz "hook_b"
s_calls: .asciz "calls"
s_prog:	.asciz "count"
s_sec:	.asciz "uprobe"
	.section .bpftime.room.calls, "aw", @nobits
	.balign 4096
room:	.zero 4096
	.section .text.entry_a, "ax", @progbits
	.globl entry_a
	.hidden entry_a
	.type entry_a, @function
entry_a:
	lock incq 8 + room(%rip)
	ret
	.size entry_a, . - entry_a
	.section .note.GNU-stack, "", @progbits
