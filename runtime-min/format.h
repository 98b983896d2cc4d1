/* SPDX-License-Identifier: MIT
 *
 * format.h - the kernel's BPF printf: %d %i %u %x %X with l and ll, %c, %s (a string that
 * may not be readable), %p, %%, and flags and width in front of them. */
#ifndef BPFTIME_RUNTIME_FORMAT_H
#define BPFTIME_RUNTIME_FORMAT_H

#include "rt_base.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(hidden)

/* Formats into out[cap], always NUL-terminated; cap > 0.  fmt has fmt_bytes bytes and must
 * hold a NUL.  Returns the length that the text would have without a limit, or -RT_EINVAL for
 * what the kernel refuses: an unknown conversion, more than n_arg of them, control bytes.
 * Source: bpf_bprintf_prepare(), kernel/bpf/helpers.c. */
int64_t rt_format(char *out, uint64_t cap, const char *fmt, uint64_t fmt_bytes,
		  const uint64_t *arg, uint32_t n_arg);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
