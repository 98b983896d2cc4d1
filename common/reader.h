/* SPDX-License-Identifier: MIT
 *
 * reader.h - bounds-checked access to bytes that somebody else wrote. */
#ifndef BPFTIME_COMMON_READER_H
#define BPFTIME_COMMON_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A range of bytes; borrows them. */
struct bytes {
	const uint8_t *p;
	size_t         n;
};

/* The part [off, off+n), or NULL when it is not all inside. */
static inline const void *bytes_at(struct bytes b, uint64_t off, uint64_t n)
{
	return off <= b.n && n <= b.n - off ? b.p + off : NULL;
}

/* Copies [off, off+n) to dst (alignment does not matter); false when not all inside. */
static inline bool bytes_get(struct bytes b, uint64_t off, void *dst, size_t n)
{
	const void *p = bytes_at(b, off, n);

	if (!p)
		return false;
	memcpy(dst, p, n);
	return true;
}

/* The string at off; NULL when off is outside or no NUL follows inside. */
static inline const char *bytes_str(struct bytes b, uint64_t off)
{
	if (off >= b.n || !memchr(b.p + off, 0, b.n - off))
		return NULL;
	return (const char *)b.p + off;
}

/* align must be a power of two; *out is set only when the sum fits. */
static inline bool align_up_u64(uint64_t v, uint64_t align, uint64_t *out)
{
	if (v > UINT64_MAX - (align - 1))
		return false;
	*out = (v + align - 1) & ~(align - 1);
	return true;
}

#endif
