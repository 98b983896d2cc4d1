// a program that is run by hand gets a struct, which its argument points at, and may sleep
#include "../arena.h"

ARENA(arena, 0x10000000);

struct args {
	__u32 pages;
	__u64 at;
};

SEC("syscall") int prog(struct args *ctx)
{
	ctx->at = (__u64)(long)bpf_arena_alloc_pages(&arena, 0, ctx->pages, -1, 0);
	return !ctx->at;
}

SEC("syscall") int nothing(void *ctx)
{
	return 0;
}
