/* SPDX-License-Identifier: MIT
 *
 * opts.h - command lines from abi/opts.def. */
#ifndef BPFTIME_COMMON_OPTS_H
#define BPFTIME_COMMON_OPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "diag.h"

#ifdef __cplusplus
extern "C" {
#endif

#define BPFTIME_VERSION "0.1.0"

enum opt_tool { OPT_AOT, OPT_PATCH, OPT_CTL, OPT_ANY };

struct opt_row {
	enum opt_tool tool;
	const char *command, *name;
	char        letter;
	const char *arg, *text;
};
extern const struct opt_row opt_rows[];
extern const size_t opt_n_rows;

/* One option as given, in order. */
struct opt {
	const char *name;	/* long name, from the row */
	const char *value;	/* NULL without argument */
};
struct opts {
	struct opt  *opt;
	size_t       n_opt;
	char       **arg;	/* what is not an option, in order */
	size_t       n_arg;
	bool         help, version;
};

/* Reads argv[1..] for `tool`; for tools with subcommands pass argv shifted so that
 * argv[0] is the subcommand, and name it in `command` (else "").  An option that the
 * command does not take is DIAG_U001.  A lone "--" ends the options.
 * On success release with opts_free(). */
int opts_parse(enum opt_tool tool, const char *command, int argc, char **argv, struct opts *out,
	       struct diags *dg);
void opts_free(struct opts *o);

/* Value of the last `name`, NULL when absent; a flag's value is "". */
const char *opts_get(const struct opts *o, const char *name);
static inline bool opts_has(const struct opts *o, const char *name)
{
	return opts_get(o, name) != NULL;
}

/* Reads the number given with `name` if it was given.  Returns 0 or -DIAG_U001. */
int opts_count(const struct opts *o, const char *name, unsigned long *out, struct diags *dg);
int opts_seconds(const struct opts *o, const char *name, double *out, struct diags *dg);

/* --map-dir, *out untouched without: a path from the root that fits where it is stamped.  Returns 0 or -DIAG_U001. */
int opts_map_dir(const struct opts *o, const char **out, struct diags *dg);

/* The option table of a command, aligned, then the exit codes. */
void opts_help(FILE *out, enum opt_tool tool, const char *command);
void opts_help_exit(FILE *out);

#ifdef __cplusplus
}
#endif
#endif
