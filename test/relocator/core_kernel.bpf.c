/* SPDX-License-Identifier: MIT
 * CO-RE against the running kernel, as tools use it: task_struct and its neighbours. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct ns_common { unsigned int inum; };
struct mnt_namespace { struct ns_common ns; };
struct nsproxy { struct mnt_namespace *mnt_ns; };
struct task_struct {
	int pid, tgid;
	struct task_struct *real_parent;
	struct nsproxy *nsproxy;
	char comm[16];
	unsigned int in_execve : 1;
	unsigned int no_such_member_at_all;
};
struct task_struct___old { long state; };
struct task_struct___new { unsigned int __state; };
struct sock_common { u16 skc_family; union { u32 skc_daddr; struct { u16 skc_num; }; }; };
struct sock { struct sock_common __sk_common; };
#pragma clang attribute pop
struct bpf_ringbuf;

volatile u64 out[16];

SEC("uprobe")
int kernel_types(struct pt_regs *ctx)
{
	struct task_struct *t = (void *)bpf_get_current_task();
	struct task_struct___old *o = (void *)t;
	struct task_struct___new *n = (void *)t;
	struct sock *sk = (void *)t;

	out[0] = BPF_CORE_READ(t, real_parent, tgid);
	out[1] = BPF_CORE_READ(t, nsproxy, mnt_ns, ns.inum);
	if (bpf_core_field_exists(o->state))
		out[2] = BPF_CORE_READ(o, state);
	else
		out[2] = BPF_CORE_READ(n, __state);
	out[3] = BPF_CORE_READ_BITFIELD_PROBED(t, in_execve);
	out[4] = bpf_core_field_exists(t->no_such_member_at_all);
	out[5] = BPF_CORE_READ(sk, __sk_common.skc_family);
	out[11] = BPF_CORE_READ(sk, __sk_common.skc_daddr);
	out[6] = bpf_core_type_size(struct task_struct) + bpf_core_type_exists(struct bpf_ringbuf);
	out[7] = bpf_core_type_id_kernel(struct task_struct);
	out[8] = bpf_core_enum_value_exists(enum bpf_map_type, BPF_MAP_TYPE_RINGBUF);
	out[9] = bpf_core_enum_value(enum bpf_map_type, BPF_MAP_TYPE_RINGBUF);
	out[10] = PT_REGS_PARM1_CORE(ctx) + PT_REGS_RC_CORE(ctx) + ctx->r14 + ctx->orig_ax;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
