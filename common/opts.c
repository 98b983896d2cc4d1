/* SPDX-License-Identifier: MIT */
#include "opts.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "mapfmt.h"

const struct opt_row opt_rows[] = {
#define OPT(tool_, command_, name_, letter_, arg_, text_)                                   \
	{ OPT_##tool_, command_, name_, letter_, arg_, text_ },
#include "opts.def"
#undef OPT
};
const size_t opt_n_rows = sizeof(opt_rows) / sizeof(opt_rows[0]);

enum { LONG_BASE = 1000 };	/* getopt's value of row i is LONG_BASE + i */

/* Is `word` one of the space-separated words of `list`?  An empty list has all. */
static bool listed(const char *list, const char *word)
{
	size_t n = strlen(word);

	if (!*list)
		return true;
	while (*list) {
		size_t len = strcspn(list, " ");

		if (len == n && !memcmp(list, word, n))
			return true;
		list += len + (list[len] == ' ');
	}
	return false;
}

static bool takes(const struct opt_row *r, enum opt_tool tool, const char *command)
{
	return r->tool == OPT_ANY || (r->tool == tool && listed(r->command, command));
}

static const struct opt_row *row_of(int c, enum opt_tool tool, const char *command)
{
	if (c >= LONG_BASE)
		return &opt_rows[c - LONG_BASE];
	for (size_t i = 0; i < opt_n_rows; i++)
		if (opt_rows[i].letter == c && takes(&opt_rows[i], tool, command))
			return &opt_rows[i];
	return NULL;
}

int opts_parse(enum opt_tool tool, const char *command, int argc, char **argv, struct opts *out,
	       struct diags *dg)
{
	struct option *lo = calloc(opt_n_rows + 1, sizeof(*lo));
	char *letters = calloc(opt_n_rows + 1, 2);
	char *l = letters;
	size_t n = 0;
	int c, r = 0;

	*out = (struct opts){ .opt = calloc((size_t)argc + 1, sizeof(*out->opt)) };
	if (!lo || !letters || !out->opt)
		abort();
	*l++ = ':';
	for (size_t i = 0; i < opt_n_rows; i++) {
		const struct opt_row *row = &opt_rows[i];

		if (!takes(row, tool, command))
			continue;
		lo[n++] = (struct option){ row->name, row->arg ? required_argument : no_argument,
					   NULL, LONG_BASE + (int)i };
		if (row->letter) {
			*l++ = row->letter;
			if (row->arg)
				*l++ = ':';
		}
	}
	optind = 0;	/* glibc and musl: start over, with permutation */
	opterr = 0;
	while ((c = getopt_long(argc, argv, letters, lo, NULL)) != -1) {
		const struct opt_row *row = c == '?' || c == ':' ? NULL : row_of(c, tool, command);

		if (!row) {
			char letter[3] = { '-', (char)optopt, 0 };	/* 0: a long option */
			const char *word = optopt && optopt < LONG_BASE ? letter : argv[optind - 1];

			r = diag(dg, DIAG_U001, at_file(argv[0]), "%s %s; %s",
				 c == ':' ? "an argument is missing after" : "unknown option", word,
				 word[1] >= '0' && word[1] <= '9'
					 ? "write -- before the arguments if this is a number"
					 : "see --help");
			break;
		}
		out->help |= !strcmp(row->name, "help");
		out->version |= !strcmp(row->name, "version");
		out->opt[out->n_opt++] = (struct opt){ row->name, row->arg ? optarg : NULL };
	}
	out->arg = argv + optind;
	out->n_arg = (size_t)(argc - optind);
	free(lo);
	free(letters);
	if (r)
		opts_free(out);
	return r;
}

void opts_free(struct opts *o)
{
	free(o->opt);
	o->opt = NULL;
	o->n_opt = 0;
}

const char *opts_get(const struct opts *o, const char *name)
{
	for (size_t i = o->n_opt; i-- > 0;)
		if (!strcmp(o->opt[i].name, name))
			return o->opt[i].value ? o->opt[i].value : "";
	return NULL;
}

int opts_count(const struct opts *o, const char *name, unsigned long *out, struct diags *dg)
{
	const char *v = opts_get(o, name);
	char *end;

	if (!v)
		return 0;
	errno = 0;
	*out = strtoul(v, &end, 10);
	if (errno || *end || !(*v >= '0' && *v <= '9'))
		return diag(dg, DIAG_U001, at_file(name), "'%s' is not a number", v);
	return 0;
}

int opts_map_dir(const struct opts *o, const char **out, struct diags *dg)
{
	const char *dir = opts_get(o, "map-dir");

	if (!dir)
		return 0;
	if (*dir != '/')
		return diag(dg, DIAG_U001, at_file("--map-dir"), "%s: a path from the root: the program may be "
			    "started anywhere", dir);
	if (strlen(dir) >= MAPFMT_DIR_BYTES)
		return diag(dg, DIAG_U001, at_file("--map-dir"), "a path of at most %d bytes, not %s",
			    MAPFMT_DIR_BYTES - 1, dir);
	*out = dir;
	return 0;
}

int opts_seconds(const struct opts *o, const char *name, double *out, struct diags *dg)
{
	const char *v = opts_get(o, name);
	char *end;

	if (!v)
		return 0;
	*out = strtod(v, &end);
	if (*end || end == v || !(*out >= 0 && *out < 1e6))
		return diag(dg, DIAG_U001, at_file(name), "'%s' is not a number of seconds", v);
	return 0;
}

void opts_help(FILE *out, enum opt_tool tool, const char *command)
{
	for (size_t i = 0; i < opt_n_rows; i++) {
		const struct opt_row *r = &opt_rows[i];
		char left[64];

		if (!takes(r, tool, command))
			continue;
		snprintf(left, sizeof(left), "%c%c%s --%s%s%s", r->letter ? '-' : ' ',
			 r->letter ? r->letter : ' ', r->letter ? "," : " ", r->name,
			 r->arg ? " " : "", r->arg ? r->arg : "");
		fprintf(out, "  %-28s %s\n", left, r->text);
	}
	opts_help_exit(out);
}

void opts_help_exit(FILE *out)
{
	fputs("\nExit codes: 0 ok, 1 input refused, 2 usage, 3 environment (read, write, memory,\n"
	      "permission), 4 a bug of ours.\n", out);
}
