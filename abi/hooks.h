/* SPDX-License-Identifier: MIT
 *
 * hooks.h - hook kinds, and the context an attached program sees. */
#ifndef BPFTIME_ABI_HOOKS_H
#define BPFTIME_ABI_HOOKS_H

#include <stdint.h>

#include "helpers.h"

#ifdef __cplusplus
extern "C" {
#endif

enum hook_kind {
#define HOOK(name_, ...) HOOK_##name_,
#include "hooks.def"
	HOOK_COUNT
};
enum hook_entry {
	HOOK_ENTRY_PLAIN, HOOK_ENTRY_RETURN, HOOK_ENTRY_NONE, HOOK_ENTRY_REPLACE, HOOK_ENTRY_FILTER,
};

struct hook_desc {
	const char *name;	/* "uprobe" */
	const char *text;
	uint8_t     prog_type;	/* enum prog_type */
	uint8_t     entry;	/* enum hook_entry */
};
/* One a row, indexed by enum hook_kind. */
extern const struct hook_desc hook_table[HOOK_COUNT];

enum {
	SEC_SLEEPABLE = 1, SEC_MULTI = 2,
	SEC_SESSION = 4,	/* the entry decides, by 0 or 1, whether the return is seen */
	SEC_MANUAL = 8,		/* SEC("?uprobe/..."): attached where the command line says so, not
				 * where the name does (libbpf: not loaded unless asked for) */
	SEC_KNOWN = SEC_SLEEPABLE | SEC_MULTI | SEC_MANUAL,	/* what a hook object may have */
};

/* Reads a SEC() name.  *kind and *flags (SEC_*) are set; *spec points into `sec`
 * behind "prefix/", or is "" when the name has no second part.
 * Returns 0, or -1 when no row matches. */
int hook_parse_sec(const char *sec, enum hook_kind *kind, unsigned *flags, const char **spec);

/* The frame of a hook on x86-64: the kernel's struct pt_regs, then what only
 * helpers read.  A ctx mask has bit i for the 8-byte field i of this struct. */
struct bpftime_frame_x86_64 {
	uint64_t r15, r14, r13, r12, bp, bx, r11, r10, r9, r8;
	uint64_t ax, cx, dx, si, di, orig_ax, ip, cs, flags, sp, ss;
	uint64_t cookie;	/* bpf_get_attach_cookie() */
	uint64_t func_ip;	/* bpf_get_func_ip() */
	uint64_t out_value, out_set;	/* bpf_override_return(): written by helpers, see ENTRY_* */
};
enum {
	CTX_REGS_BYTES = 168,	/* what a program itself may read */
	CTX_R15 = 0, CTX_R14, CTX_R13, CTX_R12, CTX_BP, CTX_BX, CTX_R11, CTX_R10, CTX_R9, CTX_R8,
	CTX_AX, CTX_CX, CTX_DX, CTX_SI, CTX_DI, CTX_ORIG_AX, CTX_IP, CTX_CS, CTX_FLAGS, CTX_SP,
	CTX_SS, CTX_COOKIE, CTX_FUNC_IP, CTX_FIELDS,
	CTX_OUT_VALUE = CTX_FIELDS, CTX_OUT_SET, CTX_FRAME_WORDS,
};
/* At a function's entry these six arrive in the registers a C call passes its arguments in. */
#define CTX_MASK_NATURAL                                                          \
	(1u << CTX_DI | 1u << CTX_SI | 1u << CTX_DX | 1u << CTX_CX | 1u << CTX_R8 | \
	 1u << CTX_R9)

/* The context of a tracepoint program (the kernel's struct trace_event_raw_sys_enter and
 * _exit).  At the places of cookie and func_ip in the frame they are here, too. */
struct bpftime_syscall {
	uint64_t common;	/* programs cannot read it */
	int64_t  id;
	uint64_t arg[6];	/* at the exit, arg[0] is the returned value */
};
/* So is the place, if a program of the payload asks for stacks: ip, behind the system call, and sp are where they are
 * in a frame, cs is 0, which it is in no frame, and rbp is here. */
enum { CTX_SYS_BP = CTX_R8 };
enum { CTX_SYS_ENTER_BYTES = 64, CTX_SYS_EXIT_BYTES = 24, CTX_RAW_SYSCALL_BYTES = 16 };

/* The context of an XDP program here.  Programs are written against the kernel's struct xdp_md,
 * whose 32-bit data, data_end and data_meta stand for addresses; the compiler reads these. */
struct bpftime_xdp {
	uint64_t data, data_end, data_meta;
	uint32_t ingress_ifindex, rx_queue_index, egress_ifindex, reserved;
};
enum { XDP_MD_INGRESS_IFINDEX = 12 };	/* offset in struct xdp_md of the first that is no address */

/* How a specialised entry takes the fields of its ctx mask.  It returns nothing and keeps rax,
 * unless the hook has OBJFMT_HOOK_OUTCOME: then rax is the value that the function is to return
 * and rdx says whether it is (0: the function runs). */
enum entry_form {
	ENTRY_NATURAL = 0,	/* mask within CTX_MASK_NATURAL: void f(di, si, dx, cx, r8, r9), preserve_most */
	ENTRY_PACKED = 1,	/* at most six fields, in ascending order of field: void f(f0, f1, ..), preserve_most */
	ENTRY_FRAME = 2,	/* void f(struct bpftime_frame_<cpu> *), preserve_most */
};

#ifdef __cplusplus
}
#endif
#endif
