/* SPDX-License-Identifier: MIT
 * Kernel configuration and kernel symbols, in all types, weak and strong. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

extern int LINUX_KERNEL_VERSION __kconfig;
extern bool CONFIG_BPF_SYSCALL __kconfig;
extern enum libbpf_tristate CONFIG_BPF_JIT __kconfig;
extern char CONFIG_NET __kconfig;
extern u64 CONFIG_HZ __kconfig;
extern u16 CONFIG_NR_CPUS __kconfig __weak;
extern char CONFIG_DEFAULT_HOSTNAME[16] __kconfig;
extern bool CONFIG_NO_SUCH_OPTION __kconfig __weak;
extern int CONFIG_NO_SUCH_NUMBER __kconfig __weak;
extern bool LINUX_HAS_BPF_COOKIE __kconfig;
extern int LINUX_NO_SUCH __kconfig __weak;

extern const void no_such_symbol __ksym __weak;
extern void no_such_kfunc(int) __ksym __weak;

u64 sum;

SEC("uprobe")
int use_kconfig(struct pt_regs *ctx)
{
	sum += LINUX_KERNEL_VERSION + CONFIG_HZ + CONFIG_NR_CPUS + LINUX_NO_SUCH +
	       CONFIG_NO_SUCH_NUMBER;
	if (CONFIG_BPF_SYSCALL && CONFIG_BPF_JIT == TRI_YES && CONFIG_NET == 'y')
		sum += CONFIG_DEFAULT_HOSTNAME[1];
	if (CONFIG_NO_SUCH_OPTION)
		sum++;
	if (LINUX_HAS_BPF_COOKIE)
		sum += 2;
	return 0;
}

SEC("uprobe")
int use_ksyms(struct pt_regs *ctx)
{
	if (&no_such_symbol)
		sum++;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
