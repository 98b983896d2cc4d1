/* SPDX-License-Identifier: MIT
 *
 * peer.h - what native.c asks of another BPF compiler: native code for a program over a block of memory.  NULL: it
 * says on stderr why not.  The code lives until the process ends. */
#ifndef PEER_H
#define PEER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C"
#endif
uint64_t (*peer_compile(const void *insns, size_t bytes))(uint8_t *, uint64_t);

#endif
