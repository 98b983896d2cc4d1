/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "cmd.h"

static const struct command {
	const char *name;
	int (*run)(const struct opts *o, struct diags *dg);
	const char *args, *text;
} commands[] = {
#define COMMAND(name_, args_, text_) { #name_, cmd_##name_, args_, text_ },
#include "commands.def"
	{ NULL, NULL, NULL, NULL },
};

static void help(FILE *out)
{
	fputs("usage: bpftime-aot COMMAND ...; bpftime-aot COMMAND --help\n\n", out);
	for (const struct command *c = commands; c->name; c++)
		fprintf(out, "  %-8s %-28s %s\n", c->name, c->args, c->text);
}

static int run(const struct command *c, int argc, char **argv, struct diags *dg)
{
	struct opts o;

	if (opts_parse(OPT_AOT, c->name, argc, argv, &o, dg) < 0)
		return diags_exit(dg);
	if (o.help) {
		printf("usage: bpftime-aot %s %s\n%s\n\n", c->name, c->args, c->text);
		opts_help(stdout, OPT_AOT, c->name);
	} else if (o.version) {
		puts("bpftime-aot " BPFTIME_VERSION);
	} else if (c->run(&o, dg) < 0 && !dg->errors) {
		diag(dg, DIAG_I001, at_file(c->name), "failed without a reason");
	}
	opts_free(&o);
	return diags_exit(dg);
}

int main(int argc, char **argv)
{
	struct diags dg = { .out = stderr };
	int r;

	if (argc < 2 || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		help(argc < 2 ? stderr : stdout);
		return argc < 2 ? EX_USAGE : EX_OK;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		puts("bpftime-aot " BPFTIME_VERSION);
		return EX_OK;
	}
	for (const struct command *c = commands; c->name; c++) {
		if (strcmp(c->name, argv[1]))
			continue;
		r = run(c, argc - 1, argv + 1, &dg);
		if ((fflush(stdout) || ferror(stdout)) && !dg.errors) {
			diag(&dg, DIAG_E002, at_file("<stdout>"), "%s", c->name);
			r = diags_exit(&dg);
		}
		return r;
	}
	diag(&dg, DIAG_U001, at_file(argv[1]), "no such command; see bpftime-aot --help");
	return diags_exit(&dg);
}
