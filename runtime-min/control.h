/* SPDX-License-Identifier: MIT
 *
 * control.h - the control area (abi/rt.h) of the running payload. */
#ifndef BPFTIME_RUNTIME_CONTROL_H
#define BPFTIME_RUNTIME_CONTROL_H

#include "rt.h"
#include "rt_base.h"

#pragma GCC visibility push(hidden)

struct rt_control *rt_control(void);
uint32_t *rt_control_words(void);

/* Maps the shared control file over the area; without a directory (dir < 0) or where that
 * fails sets the area up in place.  Enables the hooks: call it when all else is ready. */
void rt_control_attach(int64_t dir);

#pragma GCC visibility pop

#endif
