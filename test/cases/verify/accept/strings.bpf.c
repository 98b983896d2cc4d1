// functions on strings take any address
#include "../case.h"

extern int bpf_strcmp(const char *a, const char *b) __ksym;
extern int bpf_strnstr(const char *a, const char *b, __u64 bytes) __ksym;
extern int bpf_copy_from_user_str(void *to, __u32 bytes, const void *from, __u64 flags) __ksym;

SEC("uprobe.s")
int prog(struct pt_regs *ctx)
{
	char buf[16] = "";

	bpf_copy_from_user_str(buf, sizeof(buf), (void *)ctx->di, 1);
	return bpf_strcmp(buf, (const char *)ctx->si) + bpf_strnstr(buf, "text", ctx->dx);
}
