/* SPDX-License-Identifier: MIT
 *
 * check_x86_64.h - the rows check, cost and body of struct lnk_cpu (cpu.h). */
#ifndef BPFTIME_LINKER_CHECK_X86_64_H
#define BPFTIME_LINKER_CHECK_X86_64_H

#include "cpu.h"

const char *x86_64_check(const uint8_t *p, size_t n, bool runtime, uint64_t *off);
struct code_cost x86_64_cost(const uint8_t *p, size_t n, uint64_t off);
bool x86_64_body(const uint8_t *p, size_t n, bool outcome, struct code_step *step, struct code_body *out);

#endif
