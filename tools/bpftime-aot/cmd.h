/* SPDX-License-Identifier: MIT
 *
 * cmd.h - the subcommands of bpftime-aot: options in, library call, exit code out.
 *
 * A command prints what was asked for on stdout and complains through dg only; main()
 * makes the exit code of its result (negative: that of the first diagnostic). */
#ifndef BPFTIME_AOT_CMD_H
#define BPFTIME_AOT_CMD_H

#include "diag.h"
#include "opts.h"

#define COMMAND(name_, args_, text_) int cmd_##name_(const struct opts *o, struct diags *dg);
#include "commands.def"

#endif
