/* SPDX-License-Identifier: MIT
 *
 * usdt.h - statically defined probes: what .note.stapsdt of the target says of them.
 *
 * A note gives the address of a nop, a semaphore (a 16-bit count of who listens, tested by
 * the program before it prepares arguments), and where the arguments are, in the assembler's
 * notation.  Programs fetch them with libbpf's usdt.bpf.h, which looks them up in a map that
 * whoever attaches fills: here it is filled in the patched file. */
#ifndef BPFTIME_LINKER_PATCH_USDT_H
#define BPFTIME_LINKER_PATCH_USDT_H

#include "image.h"

#ifdef __cplusplus
extern "C" {
#endif

struct usdt_probe {	/* one note: a probe may be in several places */
	const char *provider, *name, *args;
	uint64_t    vaddr;
	uint64_t    semaphore_vaddr;	/* 0: none */
};

/* Reads the notes of the image, in their order; damaged ones are left out.  Returns their
 * number. */
size_t usdt_read(const struct image *im, const struct usdt_probe **out);

enum { USDT_ARGS = 12 };	/* BPF_USDT_MAX_ARG_CNT */

/* struct __bpf_usdt_arg_spec of libbpf's usdt.bpf.h. */
enum usdt_arg_type { USDT_ARG_CONST, USDT_ARG_REG, USDT_ARG_REG_DEREF };
struct usdt_arg {
	uint64_t val_off;	/* the constant, or what is added to the register */
	uint32_t type;		/* enum usdt_arg_type */
	int16_t  reg_off;	/* in the context: of a register, or of one of our words */
	uint8_t  is_signed, bitshift;
};

/* What no field of pt_regs holds the trampoline computes, into words behind the frame:
 *     base + index << shift [+ fs]     where a memory operand is
 *     the low half of a vector register */
enum { USDT_NO_FIELD = 0xff };
struct usdt_word {
	uint8_t base, index;	/* fields of the frame (CTX_*), or USDT_NO_FIELD */
	uint8_t shift;
	bool    fs;
	uint8_t xmm;		/* its number, or USDT_NO_FIELD: an address */
};

struct usdt_spec {
	struct usdt_arg  arg[USDT_ARGS];
	struct usdt_word word[USDT_ARGS];
	uint8_t n_arg, n_word;
};

/* Reads the arguments of a probe.  Returns NULL, or why they cannot be had. */
const char *usdt_parse_args(struct arena *a, const struct image *im, uint64_t vaddr,
			    const char *text, struct usdt_spec *out);

#ifdef __cplusplus
}
#endif
#endif
