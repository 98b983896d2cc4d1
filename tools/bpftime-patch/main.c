/* SPDX-License-Identifier: MIT
 *
 * bpftime-patch - splice hooks into a binary.  Options -> library call -> exit code. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audit.h"
#include "cli.h"
#include "follow.h"
#include "hooks.h"
#include "live.h"
#include "mapfmt.h"
#include "opts.h"
#include "patch.h"
#include "progress.h"
#include "rt_archive.h"
#include "run.h"

static void usage(FILE *out)
{
	fputs("usage: bpftime-patch --binary BIN [--uprobe SYMBOL] [--uretprobe SYMBOL] [--usdt P:N]\n"
	      "                     [HOOK.o...] [-o OUT | --in-place | --plan]\n"
	      "       bpftime-patch --pid PID [--binary LIBRARY] ... as above, or --detach\n"
	      "       bpftime-patch run ... -- COMMAND; bpftime-patch run --help\n"
	      "       bpftime-patch --list FILE | --revert FILE [-o OUT]\n"
	      "       bpftime-patch --audit FILE --against ORIGINAL\n\n"
	      "Splices native hook objects (bpftime-aot compile) into an executable or shared object.\n"
	      "Without --uprobe the SEC() names of the objects say where; without an object the\n"
	      "built-in `count` hook counts the calls.  Maps: bpftime-ctl.\n\n",
	      out);
	opts_help(out, OPT_PATCH, "file");
}

static const struct {
	const char *option;
	enum hook_kind kind;
	enum want_at at;
} places[] = {
	{ "uprobe", HOOK_uprobe, AT_SYMBOL },	  { "uretprobe", HOOK_uretprobe, AT_SYMBOL },
	{ "ureplace", HOOK_ureplace, AT_SYMBOL }, { "ufilter", HOOK_ufilter, AT_SYMBOL },
	{ "usdt", HOOK_usdt, AT_USDT },		  { "tracepoint", HOOK_tracepoint, AT_SYSCALL },
};

/* The options that name places, in the order given, each with the --cookie behind it. */
static int attach_args(const struct opts *o, struct attach_arg *arg, size_t *n_out, struct diags *dg)
{
	size_t n = 0;
	char *end;

	for (size_t i = 0; i < o->n_opt; i++) {
		const char *name = o->opt[i].name;

		for (size_t k = 0; k < sizeof(places) / sizeof(places[0]); k++)
			if (!strcmp(name, places[k].option))
				arg[n++] = (struct attach_arg){ places[k].option, places[k].kind, places[k].at,
								.text = o->opt[i].value };
		if (strcmp(name, "cookie"))
			continue;
		if (!n)
			return diag(dg, DIAG_U001, at_file("--cookie"), "no place comes before it");
		arg[n - 1].has_cookie = true;
		errno = 0;
		arg[n - 1].cookie = strtoull(o->opt[i].value, &end, 0);
		if (*end || end == o->opt[i].value || errno)
			return diag(dg, DIAG_U001, at_file("--cookie"), "%s: a number", o->opt[i].value);
	}
	*n_out = n;
	return 0;
}

static int read_request(const struct opts *o, struct patch_request *req, struct diags *dg)
{
	const char *reads = opts_get(o, "reads"), *cost = opts_get(o, "max-cost");
	char *end;

	if (opts_has(o, "in-place") && opts_has(o, "output"))
		return diag(dg, DIAG_U001, at_file("--in-place"), "not together with -o");
	if (reads && strcmp(reads, "fast") && strcmp(reads, "strict"))
		return diag(dg, DIAG_U001, at_file("--reads"), "%s: fast or strict", reads);
	req->reads = reads && !strcmp(reads, "fast") ? READS_FAST : READS_STRICT;
	if (cost) {
		req->plan.max_cost_ns = strtod(cost, &end);
		if (*end || end == cost || !(req->plan.max_cost_ns > 0))
			return diag(dg, DIAG_U001, at_file("--max-cost"), "%s: nanoseconds", cost);
	}
	req->binary = opts_get(o, "binary");
	req->object = (const char *const *)o->arg;
	req->n_object = o->n_arg;
	req->output = opts_get(o, "output");
	req->in_place = opts_has(o, "in-place");
	req->allow_unverified = opts_has(o, "allow-unverified");
	req->allow_setuid = opts_has(o, "allow-setuid");
	req->archive = rt_archive();
	return opts_map_dir(o, &req->map_dir, dg);
}

static int run_patch(struct arena *a, const struct opts *o, struct diags *dg)
{
	struct attach_arg *arg = arena_array(a, o->n_opt + 1, sizeof(*arg));
	struct patch_request req = { .arg = arg };
	bool plan_only = opts_has(o, "plan"), json = opts_has(o, "json");
	struct patch_result res;
	int r = attach_args(o, arg, &req.n_arg, dg);

	if (r < 0 || (r = read_request(o, &req, dg)) < 0)
		return r;
	r = patch_binary(a, &req, plan_only, &res, dg);
	progress_end();
	if (res.plan && (plan_only || json))
		plan_print(res.plan, json, res.growth_bytes, res.reads, stdout);
	else if (r >= 0)
		printf("%s: %zu site%s patched, %zu refused\n", res.output, res.plan->n_patched,
		       res.plan->n_patched == 1 ? "" : "s", res.plan->n_refused);
	return r;
}

/* $BPFTIME_DIR, where bpftime-ctl will look too; the process itself has its own environment. */
static const char *own_map_dir(struct arena *a)
{
	const char *dir = getenv("BPFTIME_DIR");
	char cwd[MAPFMT_DIR_BYTES];

	if (!dir || !*dir || *dir == '/')
		return dir && *dir ? dir : NULL;
	return getcwd(cwd, sizeof(cwd)) ? arena_printf(a, "%s/%s", cwd, dir) : NULL;
}

static int read_pid(const struct opts *o, int *pid, struct diags *dg)
{
	const char *text = opts_get(o, "pid");
	char *end;
	long v = strtol(text, &end, 10);

	if (*end || end == text || v <= 0 || v > INT_MAX)
		return diag(dg, DIAG_U001, at_file("--pid"), "%s: the number of a process", text);
	*pid = (int)v;
	return 0;
}

static int run_detach(struct arena *a, const struct opts *o, struct diags *dg)
{
	struct live_detached res;
	int pid = 0, r = read_pid(o, &pid, dg);

	if (r < 0 || (r = live_detach(a, pid, &res, dg)) < 0)
		return r;
	progress_end();
	live_print_detached(&res, opts_has(o, "json"), stdout);
	return r;
}

static int run_live(struct arena *a, const struct opts *o, struct diags *dg)
{
	struct attach_arg *arg = arena_array(a, o->n_opt + 1, sizeof(*arg));
	struct patch_request patch = { .arg = arg };
	struct live_request req = { .patch = &patch };
	bool plan_only = opts_has(o, "plan"), json = opts_has(o, "json");
	struct follow *follow = NULL;
	struct live_result res;
	int r, status;

	if ((r = read_pid(o, &req.pid, dg)) < 0 || (r = attach_args(o, arg, &patch.n_arg, dg)) < 0 ||
	    (r = read_request(o, &patch, dg)) < 0)
		return r;
	if (!patch.map_dir)
		patch.map_dir = own_map_dir(a);
	if (patch.reads == READS_FAST)
		return diag(dg, DIAG_U001, at_file("--reads"), "fast is not possible in a running process: nobody "
			    "knows what handlers it has");
	if (opts_has(o, "follow") && !plan_only) {
		follow = follow_new(a, &patch, dg);
		r = follow_attach(follow, req.pid, NULL, &res);
	} else {
		r = live_attach(a, &req, plan_only, &res, dg);
	}
	progress_end();
	if (r >= 0 || (res.n && (plan_only || json)))	/* its reasons, if nothing can be patched */
		live_print(&res, plan_only, json, stdout);
	if (r >= 0 && follow) {
		fflush(stdout);
		follow_loop(follow, 0, opts_has(o, "keep"), &status);
	}
	return r;
}

/* What stands behind "--"; NULL: nothing does. */
static char **command_of(int *argc, char **argv)
{
	for (int i = 2; i < *argc; i++)
		if (!strcmp(argv[i], "--")) {
			*argc = i;
			return argv[i + 1] ? argv + i + 1 : NULL;
		}
	return NULL;
}

/* Like env: the command's end is this program's. */
static int end_like(int status)
{
	struct rlimit none = { 0, 0 };

	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	setrlimit(RLIMIT_CORE, &none);
	signal(WTERMSIG(status), SIG_DFL);
	raise(WTERMSIG(status));
	return 128 + WTERMSIG(status);
}

static void run_usage(FILE *out)
{
	fputs("usage: bpftime-patch run [--uprobe SYMBOL]... [HOOK.o...] -- COMMAND [ARGUMENT...]\n\n"
	      "Runs a command with hooks in it and in its libraries; no file is changed.  It ends as the\n"
	      "command does.  What is printed is the command's, so there is no --json: --plan --json with\n"
	      "--binary shows what would be hooked, and with --pid what is.\n\n",
	      out);
	opts_help(out, OPT_PATCH, "run");
}

static int run_command(int argc, char **argv, struct diags *dg)
{
	char **command = command_of(&argc, argv);
	struct patch_request patch = { 0 };
	struct arena *a = arena_new();
	struct attach_arg *arg;
	int status = 0, r;
	struct opts o;

	if (opts_parse(OPT_PATCH, "run", argc - 1, argv + 1, &o, dg) < 0)
		return EX_USAGE;
	progress_start();
	arg = arena_array(a, o.n_opt + 1, sizeof(*arg));
	patch.arg = arg;
	r = attach_args(&o, arg, &patch.n_arg, dg);
	if (o.help)
		run_usage(stdout);
	else if (r >= 0 && !command)
		diag(dg, DIAG_U001, at_file("run"), "name the command behind --");
	else if (r >= 0 && read_request(&o, &patch, dg) >= 0) {
		patch.map_dir = patch.map_dir ? patch.map_dir : own_map_dir(a);
		live_run(a, &(struct run_request){ &patch, command, opts_has(&o, "follow"), opts_has(&o, "keep") },
			 &status, dg);
	}
	opts_free(&o);
	arena_free(a);
	r = cli_finish(dg);
	return r ? r : end_like(status);
}

static int run_audit(struct arena *a, const struct opts *o, struct diags *dg)
{
	if (!opts_has(o, "against"))
		return diag(dg, DIAG_U001, at_file("--audit"), "name the original with --against");
	return audit_files(a, opts_get(o, "audit"), opts_get(o, "against"), opts_has(o, "json"),
			   stdout, dg);
}

int main(int argc, char **argv)
{
	struct diags dg = { .out = stderr };
	struct arena *a = arena_new();
	struct opts o;

	cli_start();
	if (argc > 1 && !strcmp(argv[1], "run"))
		return run_command(argc, argv, &dg);
	if (opts_parse(OPT_PATCH, "file", argc, argv, &o, &dg) < 0)
		return EX_USAGE;
	if (!opts_has(&o, "json"))
		progress_start();
	if (o.help)
		usage(stdout);
	else if (o.version)
		puts("bpftime-patch " BPFTIME_VERSION);
	else if (opts_has(&o, "list"))
		patch_list(a, opts_get(&o, "list"), opts_has(&o, "json"), stdout, &dg);
	else if (opts_has(&o, "revert"))
		patch_revert(a, opts_get(&o, "revert"), opts_get(&o, "output"), &dg);
	else if (opts_has(&o, "audit"))
		run_audit(a, &o, &dg);
	else if (opts_has(&o, "pid") && opts_has(&o, "detach"))
		run_detach(a, &o, &dg);
	else if (opts_has(&o, "pid"))
		run_live(a, &o, &dg);
	else if (opts_has(&o, "binary"))
		run_patch(a, &o, &dg);
	else {
		usage(stderr);
		diag(&dg, DIAG_U001, at_file("bpftime-patch"), "give --binary, --pid, --list, --revert or --audit");
	}
	opts_free(&o);
	arena_free(a);
	return cli_finish(&dg);
}
