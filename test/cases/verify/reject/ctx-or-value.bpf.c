// one load from the context or from a map value: fields of an xdp context lie elsewhere here
// says: is the context on one path that comes here and another pointer on another
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64[4]);
} m SEC(".maps");

SEC("xdp") int prog(struct xdp_md *ctx)
{
	__u64 key = bpf_get_prandom_u32(), r;

	asm volatile("r6 = %[ctx]; r2 = r10; r2 += -4; *(u32 *)(r10 - 4) = %[key]; r1 = %[m] ll; call 1;"	// V014
		     "if r0 == 0 goto +1; r6 = r0;"
		     "%[r] = *(u32 *)(r6 + 12)"
		     : [r] "=r"(r) : [ctx] "r"(ctx), [key] "r"(key), [m] "i"(&m)
		     : "r0", "r1", "r2", "r3", "r4", "r5", "r6", "memory");
	return r;
}
