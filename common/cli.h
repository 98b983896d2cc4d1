/* SPDX-License-Identifier: MIT
 *
 * cli.h - main() of a tool with subcommands: finds the command, reads its options,
 * answers --help and --version, turns diagnostics into the exit code. */
#ifndef BPFTIME_COMMON_CLI_H
#define BPFTIME_COMMON_CLI_H

#include "diag.h"
#include "opts.h"

#ifdef __cplusplus
extern "C" {
#endif

struct cli_command {
	const char *name;
	/* Prints what was asked for on stdout, complains through dg only; a negative result
	 * comes with a diagnostic. */
	int (*run)(const struct opts *o, struct diags *dg);
	const char *args, *text;	/* for --help; args as in "MAP [KEY]" */
};

/* `commands` ends with a row whose name is NULL.  Returns the exit code. */
int cli_main(enum opt_tool tool, const char *name, const struct cli_command *commands, int argc,
	     char **argv);

/* The start of every main(): a line on stderr is one write, whole among those of others. */
void cli_start(void);

/* The end of every main(): a full disk or a closed pipe behind stdout is DIAG_E002.  Returns the
 * exit code. */
int cli_finish(struct diags *dg);

#ifdef __cplusplus
}
#endif
#endif
