/* SPDX-License-Identifier: MIT
 * Global variables of every type that --set can give a value. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

enum mode { OFF, ON, AUTO = -3 };
enum big { BIG = 0x123456789abcULL };

const volatile u8 a_u8 = 1;
const volatile s16 a_s16;
volatile u32 a_u32 = 4;
volatile s64 a_s64;
const volatile bool a_bool;
const volatile char a_name[8] = "abcdefg";
const volatile enum mode a_mode;
const volatile enum big a_big;
const volatile u32 ports[4] = { 80, 81, 82, 83 };
const volatile struct {
	int pid;
	struct { u16 lo : 5, hi : 11; } bits;
	char path[4];
	u64 list[2];
} cfg = { .pid = 1 };
static const volatile int a_static = 3;
int *volatile a_pointer;
extern bool CONFIG_NO_SUCH_OPTION __kconfig;	/* strong: needs --set */

SEC("uprobe")
int f(struct pt_regs *ctx)
{
	return a_u8 + a_s16 + a_u32 + a_s64 + a_bool + a_name[1] + a_mode + a_big + ports[1] +
	       cfg.pid + cfg.bits.hi + cfg.path[0] + cfg.list[1] + a_static + !!a_pointer +
	       CONFIG_NO_SUCH_OPTION;
}

char LICENSE[] SEC("license") = "GPL";
