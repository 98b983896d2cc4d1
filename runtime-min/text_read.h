/* SPDX-License-Identifier: MIT
 *
 * text_read.h - strings at addresses that nobody vouches for (strings_read.c). */
#ifndef BPFTIME_RUNTIME_TEXT_READ_H
#define BPFTIME_RUNTIME_TEXT_READ_H

#include "rt_base.h"

enum { RT_STR_MAX = 65536 };	/* the kernel's limit for its string functions: XATTR_SIZE_MAX */

enum rt_str_chr { RT_STR_CHR, RT_STR_CHRNUL, RT_STR_RCHR };

#endif
