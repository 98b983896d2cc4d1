/* SPDX-License-Identifier: MIT
 *
 * count.c - the hook object that is spliced when none is given: counts calls.
 *
 * A hook object as bpftime-aot makes them, except that a C compiler suffices: tables in
 * assembly, entries that keep every register.  linker/builtin.c puts the target's build id
 * in its stamp, so that the maps lie in count-<build id>/. */

__asm__(
	".include \"objfmt.inc\"\n"

	".section .bpftime.object, \"a\", @progbits\n"
	"object: objfmt_object 1, maps, 1, hooks, stamp, name\n"

	".section .bpftime.maps, \"a\", @progbits\n"
	"maps: objfmt_map 2, 4, 8, 1, 0, 0, s_calls, object, 0, calls, 4096\n"

	".section .bpftime.hooks, \"a\", @progbits\n"
	"hooks: objfmt_hook 0, 0, 0, count_calls, 0, s_count, s_uprobe, 0, 0xc0\n"

	".section .bpftime.stamp, \"a\", @progbits\n"
	"stamp: objfmt_stamp 1, 0, \"x86_64-linux-gnu\", \"built in\"\n"

	".section .bpftime.str, \"a\", @progbits\n"
	"name: .asciz \"count\"\n"
	"s_calls: .asciz \"calls\"\n"
	"s_count: .asciz \"count\"\n"
	"s_uprobe: .asciz \"uprobe\"\n"

	".section .bpftime.room.calls, \"aw\", @nobits\n"
	".balign 4096\n"
	"calls: .zero 4096\n"

	/* void count_calls(void), preserve_most */
	".section .text.count_calls, \"ax\", @progbits\n"
	".type count_calls, @function\n"
	"count_calls:\n"
	"	lock incq calls(%rip)\n"
	"	ret\n"
	".size count_calls, . - count_calls\n"
	".text\n");
