/* SPDX-License-Identifier: MIT
 *
 * runtime_bitcode.h - the runtime's fast paths as LLVM bitcode, embedded in the tool. */
#ifndef BPFTIME_COMPILER_RUNTIME_BITCODE_H
#define BPFTIME_COMPILER_RUNTIME_BITCODE_H

#include "reader.h"

/* Of a target by name; empty when there is none. */
struct bytes runtime_bitcode(const char *target);

#endif
