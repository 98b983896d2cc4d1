/* SPDX-License-Identifier: MIT
 *
 * ops - one operation a program: -DOP_<name> says which.  As a uprobe for us, and, with -DKERNEL, as an
 * XDP program, which BPF_PROG_TEST_RUN repeats. */
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define MAP(name_, type_, key_, value_, n_, flags_)                               \
	struct {                                                                  \
		__uint(type, type_);                                              \
		__uint(max_entries, n_);                                          \
		__uint(map_flags, flags_);                                        \
		__type(key, key_);                                                \
		__type(value, value_);                                            \
	} name_ SEC(".maps")

#define VALUES(name_, type_, n_)                                                  \
	struct {                                                                  \
		__uint(type, type_);                                              \
		__uint(max_entries, n_);                                          \
		__uint(value_size, 8);                                            \
	} name_ SEC(".maps")

#ifndef TYPE
#define TYPE BPF_MAP_TYPE_HASH
#endif
struct lpm_key {
	__u32 bits, data;
};

#if defined OP_lpm_lookup || defined OP_lpm_update
MAP(map, BPF_MAP_TYPE_LPM_TRIE, struct lpm_key, __u64, 1024, BPF_F_NO_PREALLOC);
#elif defined OP_push_pop
VALUES(map, TYPE, 64);
#elif defined OP_bloom_push || defined OP_bloom_peek
VALUES(map, BPF_MAP_TYPE_BLOOM_FILTER, 1024);
#elif defined OP_ring_reserve || defined OP_ring_output
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 22);
} records SEC(".maps");
#else
MAP(map, TYPE, __u32, __u64, 1024, 0);
#endif

static __always_inline int op(void *ctx)
{
	__u32 key = 7;
	__u64 value = 1, *v;

#if defined OP_empty
	return 0;
#elif defined OP_lookup_add
	v = bpf_map_lookup_elem(&map, &key);
	if (v)
		*v += 1;
#elif defined OP_lookup_atomic
	v = bpf_map_lookup_elem(&map, &key);
	if (v)
		__sync_fetch_and_add(v, 1);
#elif defined OP_lookup
	v = bpf_map_lookup_elem(&map, &key);
	if (!v)
		bpf_map_update_elem(&map, &key, &value, BPF_ANY);
	else
		*(volatile __u64 *)v;
#elif defined OP_update
	bpf_map_update_elem(&map, &key, &value, BPF_ANY);
#elif defined OP_insert_delete
	bpf_map_update_elem(&map, &key, &value, BPF_NOEXIST);
	bpf_map_delete_elem(&map, &key);
#elif defined OP_insert_delete_random
	key = bpf_get_prandom_u32();
	bpf_map_update_elem(&map, &key, &value, BPF_NOEXIST);
	bpf_map_delete_elem(&map, &key);
#elif defined OP_insert_evict
	key = bpf_get_prandom_u32();
	bpf_map_update_elem(&map, &key, &value, BPF_ANY);
#elif defined OP_lpm_lookup
	struct lpm_key k = { 32, 7 };

	v = bpf_map_lookup_elem(&map, &k);
	if (!v)
		bpf_map_update_elem(&map, &k, &value, BPF_ANY);
	else
		*(volatile __u64 *)v;
#elif defined OP_lpm_update
	struct lpm_key k = { 32, 7 };

	bpf_map_update_elem(&map, &k, &value, BPF_ANY);
#elif defined OP_push_pop
	bpf_map_push_elem(&map, &value, BPF_ANY);
	bpf_map_pop_elem(&map, &value);
#elif defined OP_bloom_push
	bpf_map_push_elem(&map, &value, BPF_ANY);
#elif defined OP_bloom_peek
	bpf_map_peek_elem(&map, &value);
#elif defined OP_ring_reserve
	__u64 *r = bpf_ringbuf_reserve(&records, 16, 0);

	if (r) {
		r[0] = 1;
		r[1] = 2;
		bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);
	}
#elif defined OP_ring_output
	__u64 r[2] = { 1, 2 };

	bpf_ringbuf_output(&records, r, sizeof(r), BPF_RB_NO_WAKEUP);
#elif defined OP_comm
	char name[16];

	bpf_get_current_comm(name, sizeof(name));
#elif defined OP_probe_read_user
	char to[16];

	bpf_probe_read_user(to, sizeof(to), (void *)PT_REGS_SP((struct pt_regs *)ctx));
#elif defined OP_strtol
	char text[8] = "12345";
	long number;

	bpf_strtol(text, sizeof(text), 0, &number);
#elif defined OP_snprintf
	static const char format[] = "%d %x";
	__u64 args[2] = { 1, 2 };
	char to[32];

	bpf_snprintf(to, sizeof(to), format, args, sizeof(args));
#elif defined OP_helper
	value = HELPER_CALL;
	__asm__ volatile("" : : "r"(value));
#else
#error no such operation
#endif
	return 0;
}

#ifdef KERNEL
SEC("xdp")
int hook(struct xdp_md *ctx)
{
	op(ctx);
	return XDP_PASS;
}
#else
SEC("uprobe")
int hook(struct pt_regs *ctx)
{
	op(ctx);
	return 0;
}
#endif

char LICENSE[] SEC("license") = "GPL";
