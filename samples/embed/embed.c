/* SPDX-License-Identifier: MIT
 *
 * embed - runs an eBPF program of the user's for each line "STATUS MSEC" of standard input.
 *
 *     embed OBJECT                 an object that embed_jit --emit made; needs no LLVM
 *     embed_jit X.bpf.o            compiles it now
 *     embed_jit X.bpf.o --emit OBJECT
 *
 * The same source twice: embed_jit is built with -DEMBED_JIT and linked with bpftime_vm, embed
 * with bpftime_vm_run. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "embed.h"
#include "rt_maps.h"
#include "vm.h"

static uint64_t report(const struct request *r, uint64_t bytes)
{
	(void)bytes;	/* the verifier made sure of them */
	printf("request %llu: status %u after %u ms\n", r->id, r->status, r->msec);
	return 0;
}

#ifdef EMBED_JIT
static void prepare(struct vm *vm, char **argv)
{
	if (vm_load_elf(vm, argv[1], "filter", sizeof(struct request)) < 0 ||
	    vm_compile(vm, VM_JIT) < 0)
		errx(1, "%s: %s", argv[1], vm_error(vm));
}

static void emit(struct vm *vm, char **argv)
{
	const void *object;
	size_t bytes;
	FILE *out;

	if (vm_load_elf(vm, argv[1], "filter", sizeof(struct request)) < 0 ||
	    vm_emit(vm, &object, &bytes) < 0)
		errx(1, "%s: %s", argv[1], vm_error(vm));
	out = fopen(argv[3], "wb");
	if (!out || fwrite(object, 1, bytes, out) != bytes || fclose(out))
		err(1, "%s", argv[3]);
}
#else
static void prepare(struct vm *vm, char **argv)
{
	static char object[1 << 20];
	FILE *in = fopen(argv[1], "rb");
	size_t bytes;

	if (!in)
		err(1, "%s", argv[1]);
	bytes = fread(object, 1, sizeof(object), in);
	fclose(in);
	if (vm_load_object(vm, object, bytes, "filter") < 0)
		errx(1, "%s: %s", argv[1], vm_error(vm));
}
#endif

static void filter_lines(struct vm *vm)
{
	struct request r = { 0 };
	uint64_t reported, n = 0;
	struct vm_map counts;
	unsigned key;

	for (; scanf("%u %u", &r.status, &r.msec) == 2; r.id++) {
		if (vm_run(vm, &r, sizeof(r), &reported) < 0)
			errx(1, "%s", vm_error(vm));
		n += reported;
	}
	printf("%llu of %llu reported\n", (unsigned long long)n, r.id);
	if (vm_map(vm, "by_status", &counts) < 0)
		errx(1, "%s", vm_error(vm));
	for (int more = rt_map_next_key(counts.m, counts.base, NULL, &key); !more;
	     more = rt_map_next_key(counts.m, counts.base, &key, &key))
		if (!rt_map_lookup(counts.m, counts.base, &key, &n, 0))
			printf("status %u: %llu\n", key, (unsigned long long)n);
}

int main(int argc, char **argv)
{
	struct vm *vm = vm_new();

	if (argc < 2)
		errx(2, "usage: %s PROGRAM", argv[0]);
	if (vm_register(vm, 1000, "report", (void *)(uintptr_t)report,
			&(struct vm_proto){ RET_VOID, { ARG_MEM, ARG_SIZE } }) < 0)
		errx(1, "%s", vm_error(vm));
#ifdef EMBED_JIT
	if (argc == 4 && !strcmp(argv[2], "--emit")) {
		emit(vm, argv);
		vm_free(vm);
		return 0;
	}
#endif
	prepare(vm, argv);
	filter_lines(vm);
	vm_free(vm);
	return 0;
}
