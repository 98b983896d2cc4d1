/* SPDX-License-Identifier: MIT */
#include "cli.h"

#include <errno.h>
#include <string.h>

#include "progress.h"

static void help(FILE *out, const char *name, const struct cli_command *commands)
{
	fprintf(out, "usage: %s COMMAND ...; %s COMMAND --help\n\n", name, name);
	for (const struct cli_command *c = commands; c->name; c++)
		fprintf(out, "  %-8s %-28s %s\n", c->name, c->args, c->text);
	opts_help_exit(out);
}

static void run(enum opt_tool tool, const char *name, const struct cli_command *c, int argc,
		char **argv, struct diags *dg)
{
	struct opts o;

	if (opts_parse(tool, c->name, argc, argv, &o, dg) < 0)
		return;
	if (o.help) {
		printf("usage: %s %s%s%s\n%s\n\n", name, c->name, *c->args ? " " : "", c->args,
		       c->text);
		opts_help(stdout, tool, c->name);
	} else if (o.version) {
		printf("%s " BPFTIME_VERSION "\n", name);
	} else if (c->run(&o, dg) < 0 && !dg->errors) {
		diag(dg, DIAG_I001, at_file(c->name), "failed without a reason");
	}
	opts_free(&o);
}

void cli_start(void)
{
	setvbuf(stderr, NULL, _IOLBF, BUFSIZ);
}

int cli_main(enum opt_tool tool, const char *name, const struct cli_command *commands, int argc,
	     char **argv)
{
	struct diags dg = { .out = stderr };
	const struct cli_command *c = commands;

	cli_start();
	if (argc < 2) {
		help(stderr, name, commands);
		return EX_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		help(stdout, name, commands);
	} else if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		printf("%s " BPFTIME_VERSION "\n", name);
	} else {
		while (c->name && strcmp(c->name, argv[1]))
			c++;
		if (c->name)
			run(tool, name, c, argc - 1, argv + 1, &dg);
		else
			diag(&dg, DIAG_U001, at_file(argv[1]), "%s; see %s --help",
			     argv[1][0] == '-' ? "options go behind the command"
					       : "no such command", name);
	}
	return cli_finish(&dg);
}

int cli_finish(struct diags *dg)
{
	progress_end();
	errno = 0;
	if ((fflush(stdout) || ferror(stdout)) && !dg->errors)
		diag(dg, DIAG_E002, at_file("<stdout>"), "%s",
		     errno ? strerror(errno) : "write error");
	return diags_exit(dg);
}
