/* SPDX-License-Identifier: MIT
 *
 * A program for each way of saying that a function does not run. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

enum { SEEN_FIRST, SEEN_LAST, SEEN_KEPT, SEEN_VARIED, SEEN_BESIDE, SEEN_RETURN, SEEN_SLOT = 16 };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 32);
	__type(key, __u32);
	__type(value, __u64);
} seen SEC(".maps");

static void put(__u32 k, __u64 v, _Bool add)
{
	__u64 *p = bpf_map_lookup_elem(&seen, &k);

	if (p)
		*p = add ? *p + v : v;
}

SEC("uprobe/plain") int on_plain(struct pt_regs *ctx)
{
	if (PT_REGS_PARM1(ctx) == 13)
		bpf_override_return(ctx, -99);
	return 0;
}

/* More fields than registers: the whole frame. */
SEC("uprobe/frame") int on_frame(struct pt_regs *ctx)
{
	if (PT_REGS_PARM1(ctx) == 7)
		bpf_override_return(ctx, ctx->si + ctx->dx + ctx->cx + ctx->r8 + ctx->r9 - ctx->r9 +
				    (ctx->bx & 0) + (ctx->r15 & 0) + (ctx->sp & 7));
	return 0;
}

/* A few that do not lie where the entry takes them: rdx among those that change. */
SEC("uprobe/packed") int on_packed(struct pt_regs *ctx)
{
	if (ctx->dx != 3)
		bpf_override_return(ctx, ctx->dx * 1000 + (ctx->sp & 7) + (ctx->ip && ctx->ax != 1));
	return 0;
}

SEC("ufilter/zero") long on_zero(struct pt_regs *ctx)
{
	if (PT_REGS_PARM1(ctx) == 2)
		bpf_override_return(ctx, 0);
	return 0;
}

SEC("ureplace/replaced") long on_replaced(struct pt_regs *ctx)
{
	return -PT_REGS_PARM1(ctx);
}

SEC("uprobe/beside") int on_beside(struct pt_regs *ctx)
{
	if (PT_REGS_PARM1(ctx) == 2)
		bpf_override_return(ctx, 200);
	return 0;
}
SEC("uretprobe/beside") int after_beside(struct pt_regs *ctx)
{
	put(SEEN_BESIDE, 1, 1);
	put(SEEN_RETURN + PT_REGS_RC(ctx) % 10, PT_REGS_RC(ctx), 0);
	return 0;
}
SEC("ufilter/beside_slot") long on_beside_slot(struct pt_regs *ctx)
{
	return PT_REGS_PARM1(ctx) == 2 ? 300 : 0;
}
SEC("uretprobe/beside_slot") int after_beside_slot(struct pt_regs *ctx)
{
	__u64 value;

	if (!bpf_get_func_ret(ctx, &value))
		put(SEEN_SLOT + value % 10, value, 0);
	return 0;
}

SEC("uprobe/rivals") int first(struct pt_regs *ctx)
{
	put(SEEN_FIRST, 1, 1);
	return 0;
}
SEC("uprobe/rivals") int one(struct pt_regs *ctx)
{
	if (PT_REGS_PARM1(ctx) == 1)
		bpf_override_return(ctx, 1001);
	return 0;
}
SEC("ufilter/rivals") long two(struct pt_regs *ctx)
{
	return PT_REGS_PARM1(ctx) ? 1002 : 0;
}
SEC("uprobe/rivals") int last(struct pt_regs *ctx)
{
	put(SEEN_LAST, 1, 1);
	return 0;
}

SEC("uprobe") int jumped_to(struct pt_regs *ctx)
{
	if (PT_REGS_PARM1(ctx) == 2)
		bpf_override_return(ctx, 2000);
	return 0;
}
struct {
	__uint(type, 3);	/* BPF_MAP_TYPE_PROG_ARRAY */
	__uint(max_entries, 1);
	__uint(key_size, 4);
	__array(values, int(void *));
} progs SEC(".maps") = { .values = { (void *)&jumped_to } };
SEC("uprobe/tail") int jumps(struct pt_regs *ctx)
{
	bpf_tail_call(ctx, &progs, 0);
	return 0;
}

/* Whatever is in registers and on the stack reaches the function. */
SEC("ufilter/kept") long on_kept(struct pt_regs *ctx)
{
	__u64 third;

	put(SEEN_KEPT, 1, 1);
	return bpf_get_func_arg(ctx, bpf_get_func_arg_cnt(ctx) - 4, &third) || third == 5 ? -7 : 0;
}
SEC("ufilter/varied") long on_varied(struct pt_regs *ctx)
{
	put(SEEN_VARIED, 1, 1);
	return 0;
}

/* Imported. */
SEC("uprobe/getpgid") int on_getpgid(struct pt_regs *ctx)
{
	bpf_override_return(ctx, 4711);
	return 0;
}
