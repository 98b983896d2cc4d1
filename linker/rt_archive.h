/* SPDX-License-Identifier: MIT
 *
 * rt_archive.h - libbpftime_rt.a, which payloads take the runtime's parts from, as part of a
 * program that links rt_archive_bytes. */
#ifndef BPFTIME_LINKER_RT_ARCHIVE_H
#define BPFTIME_LINKER_RT_ARCHIVE_H

#include "reader.h"

#ifdef __cplusplus
extern "C" {
#endif

extern const unsigned char bpftime_rt_archive[], bpftime_rt_archive_end[];

static inline struct bytes rt_archive(void)
{
	struct bytes b = { bpftime_rt_archive, (size_t)(bpftime_rt_archive_end - bpftime_rt_archive) };

	return b;
}

#ifdef __cplusplus
}
#endif
#endif
