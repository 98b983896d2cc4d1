// SPDX-License-Identifier: MIT
// Mends two bugs of bank.c, without its source and without stopping it.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

enum { ACCOUNTS = 4 };

/* The function's place is taken: what this returns is what withdraw() returns. */
SEC("ureplace/withdraw")
long mended_withdraw(struct pt_regs *ctx)
{
	long balance = PT_REGS_PARM1(ctx), amount = PT_REGS_PARM2(ctx);

	return amount < 0 || amount > balance ? balance : balance - amount;
}

/* owner() runs as it is, but not for accounts that do not exist: then it returns NULL. */
SEC("ufilter/owner")
long checked_owner(struct pt_regs *ctx)
{
	if (PT_REGS_PARM1(ctx) >= ACCOUNTS)
		bpf_override_return(ctx, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
