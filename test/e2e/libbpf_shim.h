// SPDX-License-Identifier: MIT
// bpf(), mmap() and epoll for one map file, so that libbpf, unchanged, takes it for a kernel's ring buffer.
// The functions replace those of libc in the program that links libbpf_shim.cpp.
#ifndef TEST_E2E_LIBBPF_SHIM_H
#define TEST_E2E_LIBBPF_SHIM_H

#include <atomic>

#include "mapfile.h"

// The map file that stands for a kernel's map; its descriptor is m.fd.
void shim_serve(const struct mapfile *m);

// How often libbpf asked.
struct shim_asked {
	std::atomic<int> info, maps, adds, waits;
};
extern struct shim_asked shim_asked;

#endif
