/* SPDX-License-Identifier: MIT
 *
 * peer.h - programs over a block of memory, and what native.c asks of another BPF compiler: the code of one.  NULL: it
 * says on stderr why not.  The code lives until the process ends. */
#ifndef PEER_H
#define PEER_H

#include <stddef.h>
#include <stdint.h>

typedef uint64_t micro_fn(uint8_t *mem, uint64_t bytes);

#ifdef __cplusplus
extern "C"
#endif
micro_fn *peer_compile(const void *insns, size_t bytes);

#endif
