// bpf_user_ringbuf_drain: what each program leaves in `out` is the same in the kernel and here, for
// the same contents of `samples` (user_ring.cpp).
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

enum { OUT = 64 };
enum { USER_RINGBUF = 31, BPF_RB_NO_WAKEUP = 1, BPF_RB_FORCE_WAKEUP = 2 };	/* not in the samples' vmlinux.h */

struct bpf_dynptr {
	__u64 opaque[2];
} __attribute__((aligned(8)));

extern __u32 bpf_dynptr_size(const struct bpf_dynptr *p) __ksym;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, OUT);
	__type(key, __u32);
	__type(value, __u64);
} out SEC(".maps");

struct {
	__uint(type, USER_RINGBUF);
	__uint(max_entries, 4096);
} samples SEC(".maps");

static void answer(__u32 i, __u64 v)
{
	bpf_map_update_elem(&out, &i, &v, BPF_ANY);
}

/* 0, which no verifier knows: else it counts the samples. */
static __u64 zero(void)
{
	__u32 last = OUT - 1;
	__u64 *v = bpf_map_lookup_elem(&out, &last);

	return v ? *v : 0;
}

struct seen {
	__u64 n, bytes, words, firsts, stop_at, inner;
};

static long look(struct bpf_dynptr *d, struct seen *s)
{
	__u64 word = 0, *p = bpf_dynptr_data(d, 8, 8);

	s->n++;
	s->bytes = s->bytes * 31 + bpf_dynptr_size(d);
	if (p)
		s->words = s->words * 31 + *p;
	if (!bpf_dynptr_read(&word, 4, d, 0, 0))
		s->firsts = s->firsts * 31 + word;
	return s->n == s->stop_at;
}

static void answers(const struct seen *s, long r)
{
	answer(0, r);
	answer(1, s->n);
	answer(2, s->bytes);
	answer(3, s->words);
	answer(4, s->firsts);
	answer(5, s->inner);
}

SEC("xdp")
int all(struct xdp_md *ctx)
{
	struct seen s = { .n = zero(), .stop_at = zero() };
	long r = bpf_user_ringbuf_drain(&samples, look, &s, 0);

	answers(&s, r);
	return 2;
}

SEC("xdp")
int three(struct xdp_md *ctx)
{
	struct seen s = { .n = zero(), .stop_at = 3 + zero() };
	long r = bpf_user_ringbuf_drain(&samples, look, &s, BPF_RB_NO_WAKEUP);

	answers(&s, r);
	r = bpf_user_ringbuf_drain(&samples, look, &s, BPF_RB_FORCE_WAKEUP);
	answer(6, r);
	answer(7, s.n);
	answer(8, bpf_user_ringbuf_drain(&samples, look, &s, 4));
	return 2;
}

static long nested(struct bpf_dynptr *d, struct seen *s)
{
	s->n++;
	s->inner += bpf_user_ringbuf_drain(&samples, look, s, 0);	/* -EBUSY */
	return 0;
}

SEC("xdp")
int inside(struct xdp_md *ctx)
{
	struct seen s = { .n = zero(), .stop_at = zero() };
	long r = bpf_user_ringbuf_drain(&samples, nested, &s, 0);

	answers(&s, r);
	return 2;
}

static long change(struct bpf_dynptr *d, struct seen *s)
{
	__u64 v = 0x7777;

	s->n++;
	s->words += bpf_dynptr_write(d, 0, &v, sizeof(v), 0);
	s->bytes += bpf_dynptr_read(&v, sizeof(v), d, 0, 0);
	s->firsts = s->firsts * 31 + v;
	return 0;
}

SEC("xdp")
int written(struct xdp_md *ctx)
{
	struct seen s = { .n = zero(), .stop_at = zero() };
	long r = bpf_user_ringbuf_drain(&samples, change, &s, 0);

	answers(&s, r);
	return 2;
}
