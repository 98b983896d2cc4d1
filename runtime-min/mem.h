/* SPDX-License-Identifier: MIT
 *
 * mem.h - copying, clearing and comparing without a libc.
 *
 * A constant size below 64 bytes becomes a few moves.  Anything else is a loop that the
 * compiler cannot turn into a call: the archive defines no memcpy() that could take the
 * place of the libc's in a program that links it. */
#ifndef BPFTIME_RUNTIME_MEM_H
#define BPFTIME_RUNTIME_MEM_H

#include "rt_base.h"

enum { RT_MEM_UNROLL = 64, RT_CACHE_LINE = 64 };

RT_INLINE void rt_copy_long(void *to, const void *from, uint64_t bytes)
{
#ifdef BPFTIME_SANITIZE
	__builtin_memcpy(to, from, bytes);
#elif defined __x86_64__
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes) : : "memory");
#else
	for (uint64_t i = 0; i < bytes; i++)
		((volatile uint8_t *)to)[i] = ((const volatile uint8_t *)from)[i];
#endif
}

RT_INLINE void rt_fill_long(void *to, uint8_t value, uint64_t bytes)
{
#ifdef BPFTIME_SANITIZE
	__builtin_memset(to, value, bytes);
#elif defined __x86_64__
	__asm__ volatile("rep stosb" : "+D"(to), "+c"(bytes) : "a"(value) : "memory");
#else
	for (uint64_t i = 0; i < bytes; i++)
		((volatile uint8_t *)to)[i] = value;
#endif
}

/* Has so many cache lines, at least one, come to this CPU, from the one after that of `to` on. */
RT_INLINE void rt_will_write(void *to, uint32_t lines)
{
	char *at = to;

#ifdef __x86_64__
	__asm__ volatile("0:	add %2, %0; prefetcht0 (%0); dec %1; jnz 0b"
			 : "+r"(at), "+r"(lines) : "i"(RT_CACHE_LINE) : "cc");
#else
	while (lines--)
		__builtin_prefetch(at += RT_CACHE_LINE, 1);
#endif
}

#define RT_LOAD_AT(type_, p_, off_)                                                       \
	({ type_ v_; __builtin_memcpy(&v_, (const char *)(p_) + (off_), sizeof(v_)); v_; })

/* Sizes that only a map tells: once in a payload (mem.c), not wherever something is copied.  In bitcode
 * they are constants by the time a hook object is emitted. */
#ifdef RT_BITCODE
#define RT_IS_LONG(bytes_) 0
#else
#define RT_IS_LONG(bytes_) (!__builtin_constant_p(bytes_))
#endif
#pragma GCC visibility push(hidden)
void rt_copy_in_long(void *to, const void *from, uint64_t bytes);
void rt_copy_words_long(void *to, const void *from, uint64_t bytes);
bool rt_equal_long(const void *in, const void *bytes_of, uint32_t bytes);
#pragma GCC visibility pop

/* Word by word: what a reader or a kill sees of the copy is made of whole ones where `to` is aligned,
 * as values in maps are. */
RT_INLINE void rt_copy_in_here(void *to, const void *from, uint64_t bytes)
{
	uint64_t i = 0;

	for (; i + 8 <= bytes; i += 8)
		rt_store((uint64_t *)((char *)to + i), RT_LOAD_AT(uint64_t, from, i));
	if (bytes & 4) {
		rt_store((uint32_t *)((char *)to + i), RT_LOAD_AT(uint32_t, from, i));
		i += 4;
	}
	for (; i < bytes; i++)
		rt_store((uint8_t *)to + i, RT_LOAD_AT(uint8_t, from, i));
}

RT_INLINE void rt_copy_in(void *to, const void *from, uint64_t bytes)
{
	if (RT_IS_LONG(bytes))
		rt_copy_in_long(to, from, bytes);
	else
		rt_copy_in_here(to, from, bytes);
}

RT_INLINE void rt_copy(void *to, const void *from, uint64_t bytes)
{
	if (bytes > RT_MEM_UNROLL) {
		rt_copy_long(to, from, bytes);
		return;
	}
#if defined RT_BITCODE || defined BPFTIME_SANITIZE
	__builtin_memcpy(to, from, bytes);
#else
	rt_copy_in(to, from, bytes);	/* the string instructions take longer to start */
#endif
}

RT_INLINE void rt_zero(void *to, uint64_t bytes)
{
#ifdef RT_BITCODE
	if (bytes <= RT_MEM_UNROLL) {
		__builtin_memset(to, 0, bytes);
		return;
	}
#endif
	rt_fill_long(to, 0, bytes);
}

/* The two may overlap. */
RT_INLINE void rt_move(void *to, const void *from, uint64_t bytes)
{
#ifdef RT_BITCODE
	if (__builtin_constant_p(bytes) && bytes <= RT_MEM_UNROLL) {
		__builtin_memmove(to, from, bytes);
		return;
	}
#endif
	bpftime_rt1_memmove((uint64_t)to, (uint64_t)from, bytes);
}

RT_INLINE void rt_fill(void *to, uint8_t value, uint64_t bytes)
{
#ifdef RT_BITCODE
	if (__builtin_constant_p(bytes) && bytes <= RT_MEM_UNROLL) {
		__builtin_memset(to, value, bytes);
		return;
	}
#endif
	bpftime_rt1_memset((uint64_t)to, value, bytes);
}

/* 8 bytes at a time where both sides allow it: what another thread or a kill sees of a
 * value is then made of whole words. */
RT_INLINE void rt_copy_words_here(void *to, const void *from, uint64_t bytes)
{
	uint64_t i = 0;

	if (!(((uintptr_t)to | (uintptr_t)from) & 7))
		for (; i + 8 <= bytes; i += 8)
			rt_store((uint64_t *)((char *)to + i),
				 rt_load((const uint64_t *)((const char *)from + i)));
	for (; i < bytes; i++)
		rt_store((uint8_t *)to + i, rt_load((const uint8_t *)from + i));
}

RT_INLINE void rt_copy_words(void *to, const void *from, uint64_t bytes)
{
	if (RT_IS_LONG(bytes))
		rt_copy_words_long(to, from, bytes);
	else
		rt_copy_words_here(to, from, bytes);
}

/* Is what rt_copy_in() stored at the aligned `in` equal to these bytes?  It may be written to meanwhile. */
RT_INLINE bool rt_equal_here(const void *in, const void *bytes_of, uint32_t bytes)
{
	const char *at = in;
	uint32_t i = 0;

	for (; i + 8 <= bytes; i += 8)
		if (rt_load((const uint64_t *)(at + i)) != RT_LOAD_AT(uint64_t, bytes_of, i))
			return false;
	if (bytes & 4) {
		if (rt_load((const uint32_t *)(at + i)) != RT_LOAD_AT(uint32_t, bytes_of, i))
			return false;
		i += 4;
	}
	for (; i < bytes; i++)
		if (rt_load((const uint8_t *)(at + i)) != RT_LOAD_AT(uint8_t, bytes_of, i))
			return false;
	return true;
}

RT_INLINE bool rt_equal(const void *in, const void *bytes_of, uint32_t bytes)
{
	return RT_IS_LONG(bytes) ? rt_equal_long(in, bytes_of, bytes) : rt_equal_here(in, bytes_of, bytes);
}

#endif
