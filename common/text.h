/* SPDX-License-Identifier: MIT
 *
 * text.h - text for people. */
#ifndef BPFTIME_COMMON_TEXT_H
#define BPFTIME_COMMON_TEXT_H

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Names out of hostile files end up in messages and tables: writes s with its control
 * bytes as \xNN, so that it stays on one line and does nothing to the terminal. */
void text_put_clean(FILE *out, const char *s);

#ifdef __cplusplus
}
#endif
#endif
