/* SPDX-License-Identifier: MIT
 *
 * micro.h - one source for both sides: `clang -target bpf` makes programs over a block of
 * memory of it (SEC("vm/4096")), any compiler for this machine ordinary functions. */
#ifndef MICRO_H
#define MICRO_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long s64;



#ifdef __bpf__
#define MICRO(name_) __attribute__((section("vm/4096"), used)) u64 name_(u8 *mem, u64 len)
#else
#define MICRO(name_) __attribute__((visibility("default"))) u64 name_(u8 *mem, u64 len)
#endif

#endif
