/* SPDX-License-Identifier: MIT
 *
 * rt_base.h - what every file of the runtime sees: how it is compiled, errno values, atomics.
 *
 * The runtime has no libc, no TLS section, no vector register, no table of function
 * pointers, and no absolute relocation: it lives in somebody else's binary.  Files are
 * compiled into the native archive (any C compiler), into bitcode that the compiler
 * inlines into hook objects (clang), or both; CMakeLists.txt says which.
 *
 * bpftime_rt1_<name>() is called from hook code and keeps its registers (preserve_most
 * under clang, a thunk of arch/<cpu>/thunk.h in the archive); the C function behind it
 * is rt_<name>(), with the same parameters. */
#ifndef BPFTIME_RUNTIME_RT_BASE_H
#define BPFTIME_RUNTIME_RT_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "objfmt.h"
#include "rt_errno.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Inlined wherever a hook object uses it.  Without effect in the archive, where gcc
 * would complain about functions that are not declared inline. */
#ifdef RT_BITCODE
#define RT_FAST __attribute__((always_inline))
#else
#define RT_FAST
#endif
#define RT_INLINE static inline __attribute__((always_inline))

#ifdef __clang__
#define RT_PRESERVE __attribute__((preserve_most))
#else
#define RT_PRESERVE	/* the callee keeps more than such a caller knows */
#endif

#define rt_likely(x_) __builtin_expect(!!(x_), 1)
#define rt_unlikely(x_) __builtin_expect(!!(x_), 0)
/* Better small than fast, and not part of what calls it. */
#define RT_COLD __attribute__((cold, noinline))

#pragma GCC visibility push(hidden)

#define RT_ARGS_0 void
#define RT_ARGS_1 uint64_t
#define RT_ARGS_2 uint64_t, uint64_t
#define RT_ARGS_3 uint64_t, uint64_t, uint64_t
#define RT_ARGS_4 uint64_t, uint64_t, uint64_t, uint64_t
#define RT_ARGS_5 uint64_t, uint64_t, uint64_t, uint64_t, uint64_t
#define RT_ARGS_6 uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t
#define RT(name_, nargs_, text_)                                       \
	RT_PRESERVE uint64_t bpftime_rt1_##name_(RT_ARGS_##nargs_);    \
	uint64_t rt_##name_(RT_ARGS_##nargs_);
#include "rt.def"

#pragma GCC visibility pop

#define rt_load(p_) __atomic_load_n((p_), __ATOMIC_RELAXED)
#define rt_load_acquire(p_) __atomic_load_n((p_), __ATOMIC_ACQUIRE)
#define rt_store(p_, v_) __atomic_store_n((p_), (v_), __ATOMIC_RELAXED)
#define rt_store_release(p_, v_) __atomic_store_n((p_), (v_), __ATOMIC_RELEASE)
#define rt_add(p_, v_) __atomic_fetch_add((p_), (v_), __ATOMIC_RELAXED)
/* *old is updated on failure. */
#define rt_cas(p_, old_, new_)                                                            \
	__atomic_compare_exchange_n((p_), (old_), (new_), false, __ATOMIC_ACQ_REL,         \
				    __ATOMIC_ACQUIRE)

/* Parts of the runtime that a payload may do without are referred to weakly: the address of f_
 * when something else brought its file along, else NULL.  It passes through a register, because
 * nothing but a load can be made of it where there is no global offset table. */
#define RT_WEAK(f_) extern __typeof__(f_) f_ __attribute__((weak))
#define RT_LINKED(f_) ({ __typeof__(&(f_)) at_ = &(f_); __asm__("" : "+r"(at_)); at_; })

RT_INLINE uint64_t rt_round_up(uint64_t v, uint64_t to)
{
	return (v + to - 1) & ~(to - 1);
}

#ifdef __cplusplus
}
#endif
#endif
