/* SPDX-License-Identifier: MIT
 *
 * cmd.h - the subcommands of bpftime-ctl: options in, library calls, text or JSON out.
 *
 * JSON that is not bpftool's has a schema number: {"schema":1,...}. */
#ifndef BPFTIME_CTL_CMD_H
#define BPFTIME_CTL_CMD_H

#include "arena.h"
#include "cli.h"
#include "mapfile.h"

#define COMMAND(name_, args_, text_) int cmd_##name_(const struct opts *o, struct diags *dg);
#include "commands.def"

/* What nearly every command starts with: the map directory of --dir, and an arena. */
struct session {
	struct mapdir dir;
	struct arena *a;
	bool json;
};
enum { ANY_NUMBER = INT_MAX };
/* Checks the number of arguments too; `command` is for the message.
 * Returns 0, -DIAG_U001 or what mapdir_open returns; on success call session_end(). */
int session_begin(struct session *s, const struct opts *o, const char *command, size_t min,
		  size_t max, struct diags *dg);
void session_end(struct session *s);

/* The same for commands whose first argument is a map, which is opened. */
int session_begin_map(struct session *s, const struct opts *o, const char *command, size_t min,
		      size_t max, struct mapfile *m, struct diags *dg);
void session_end_map(struct session *s, struct mapfile *m);

#endif
