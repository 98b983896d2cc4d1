/* SPDX-License-Identifier: MIT */
#include "audit_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audit_lief.h"
#include "json.h"
#include "progress.h"

enum { CHILD_SECONDS = 120, MAX_DUMP = 256 << 20 };
static const uint64_t CHILD_MEMORY = 4ull << 30;

bool audit_differs(struct audit_ctx *c, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (!c->text)
		c->text = arena_strdup(c->a, text);
	return false;
}

static _Noreturn void child(int (*fn)(const struct audit_ctx *, const char *, FILE *),
			    const struct audit_ctx *c, const char *path, int fd)
{
	struct rlimit memory = { CHILD_MEMORY, CHILD_MEMORY }, none = { 0, 0 };
	struct rlimit cpu = { CHILD_SECONDS / 2, CHILD_SECONDS / 2 };
	int null = open("/dev/null", O_RDWR);
	FILE *out = fdopen(fd, "w");

	dup2(null, 0);
	dup2(null, 1);
	dup2(null, 2);
	setrlimit(RLIMIT_AS, &memory);
	setrlimit(RLIMIT_CPU, &cpu);
	setrlimit(RLIMIT_CORE, &none);
	if (!out || fn(c, path, out) || fflush(out))
		_exit(1);
	_exit(0);
}

/* Reads until the end; false when it takes too long or too much. */
static bool collect(struct arena *a, int fd, struct bytes *out)
{
	size_t cap = 1 << 20, n = 0;
	uint8_t *buf = arena_alloc(a, cap);
	struct pollfd p = { .fd = fd, .events = POLLIN };

	for (;;) {
		ssize_t r = poll(&p, 1, CHILD_SECONDS * 1000);

		if (r < 0 && errno == EINTR)
			continue;
		r = r > 0 ? read(fd, buf + n, cap - n) : -1;
		if (r < 0)
			return false;
		if (!r)
			break;
		n += (size_t)r;
		if (n < cap)
			continue;
		if (cap >= MAX_DUMP)
			return false;
		buf = memcpy(arena_alloc(a, cap * 2), buf, n);
		cap *= 2;
	}
	*out = (struct bytes){ buf, n };
	return true;
}

int audit_child(struct arena *a, int (*fn)(const struct audit_ctx *, const char *, FILE *),
		const struct audit_ctx *c, const char *path, struct bytes *out, const char **why)
{
	int fd[2], status;
	bool ok;
	pid_t pid;

	if (pipe2(fd, O_CLOEXEC)) {
		*why = "no pipe";
		return -1;
	}
	fflush(NULL);
	pid = fork();
	if (!pid)
		child(fn, c, path, fd[1]);
	close(fd[1]);
	ok = pid > 0 && collect(a, fd[0], out);
	close(fd[0]);
	if (pid > 0 && !ok)
		kill(pid, SIGKILL);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (ok && WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	*why = pid < 0 ? "no process"
	       : !ok   ? "the reader took too long"
	       : WIFSIGNALED(status)
		       ? arena_printf(a, "the reader crashed: %s", strsignal(WTERMSIG(status)))
		       : "the reader cannot read it";
	return -1;
}

static int run_elflint(const struct audit_ctx *c, const char *path, FILE *out)
{
	(void)c;
	dup2(fileno(out), 1);
	dup2(fileno(out), 2);
	/* Its exit status only says whether it printed anything. */
	execlp("sh", "sh", "-c", "command -v eu-elflint >/dev/null || exit 9; "
	       "eu-elflint --gnu-ld \"$1\"; [ $? -le 1 ]", "sh", path, (char *)NULL);
	return 1;
}

/* A complaint without the numbers in it. */
static char *shape(struct arena *a, const char *line, size_t n)
{
	char *s = arena_strndup(a, line, n), *to = s;

	for (const char *p = s; *p; p++) {
		bool within = to > s && to[-1] == '#';

		if ((*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'f' && within))
			*to = '#';
		else
			*to = *p;
		to += *to != '#' || !within;	/* one, however many digits */
	}
	*to = 0;
	return s;
}

static char **shapes(struct arena *a, struct bytes text, size_t *n)
{
	char **v = NULL;
	size_t cap = 0;

	*n = 0;
	for (size_t at = 0; at < text.n;) {
		const uint8_t *nl = memchr(text.p + at, '\n', text.n - at);
		size_t len = nl ? (size_t)(nl - text.p) - at : text.n - at;

		*ARENA_PUSH(a, v, *n, cap) = shape(a, (const char *)text.p + at, len);
		at += len + 1;
	}
	return v;
}

/* elflint takes a relocation to reach from its place as far as its symbol is large (elfutils
 * 0.188, check_one_reloc), so a big function's slot seems to touch the segment behind .got.
 * That relocations are what they were, and new segments behind all, the first look knows. */
static bool is_mistaken(const char *complaint)
{
	return strstr(complaint, "read-only section modified but text relocation flag not set");
}

static void look_elflint(struct audit_ctx *c, struct audit_look *look)
{
	struct bytes was, is;
	char **o, **p;
	size_t n_o, n_p;

	*look = (struct audit_look){ "elflint", AUDIT_UNAVAILABLE, NULL };
	if (audit_child(c->a, run_elflint, c, c->o->path, &was, &look->text) ||
	    audit_child(c->a, run_elflint, c, c->p->path, &is, &look->text)) {
		look->text = "eu-elflint is not installed or fails";
		return;
	}
	o = shapes(c->a, was, &n_o);
	p = shapes(c->a, is, &n_p);
	look->result = AUDIT_OK;
	for (size_t i = 0; i < n_p; i++) {
		size_t k = 0;

		while (k < n_o && strcmp(o[k], p[i]))
			k++;
		if (k == n_o && strcmp(p[i], "No errors") && !is_mistaken(p[i])) {
			look->result = AUDIT_DIFFERS;
			look->text = p[i];
			return;
		}
	}
}

static void look_lief(struct audit_ctx *c, struct audit_look *look)
{
	struct bytes was, is;

	*look = (struct audit_look){ "lief", AUDIT_UNAVAILABLE, NULL };
	if (!audit_lief_built) {
		look->text = "built without LIEF";
		return;
	}
	c->text = NULL;
	if (audit_child(c->a, audit_lief_dump, c, c->o->path, &was, &look->text) ||
	    audit_child(c->a, audit_lief_dump, c, c->p->path, &is, &look->text))
		return;
	look->result = audit_dumps(c, was, is) ? AUDIT_OK : AUDIT_DIFFERS;
	look->text = c->text;
}

int audit_compare(struct arena *a, const char *path, const char *original, struct audit *out,
		  struct diags *dg)
{
	struct audit_ctx c = { .a = a };
	struct image *o, *p;
	int r;

	if ((r = image_read(a, original, &o, dg)) < 0 || (r = image_read(a, path, &p, dg)) < 0 ||
	    (r = segment_saved(a, p, &c.saved, dg)) < 0)
		return r;
	if (!r)
		return diag(dg, DIAG_P021, at_file(path), "it holds no hooks of ours");
	c.o = o;
	c.p = p;
	out->bytes =
		(struct audit_look){ "bytes", audit_bytes(&c) ? AUDIT_OK : AUDIT_DIFFERS, c.text };
	look_lief(&c, &out->lief);
	look_elflint(&c, &out->elflint);
	return 0;
}

static const char *result_name(enum audit_result r)
{
	return r == AUDIT_OK ? "ok" : r == AUDIT_DIFFERS ? "differs" : "unavailable";
}

static void print_json(const char *path, const char *original, const struct audit_look *const *look,
		       FILE *out)
{
	struct json j = json_on(out);

	json_open(&j, NULL, '{');
	json_u64(&j, "schema", 1);
	json_str(&j, "binary", path);
	json_str(&j, "original", original);
	json_open(&j, "looks", '[');
	for (int i = 0; i < 3; i++) {
		json_open(&j, NULL, '{');
		json_str(&j, "name", look[i]->name);
		json_str(&j, "result", result_name(look[i]->result));
		json_str(&j, "text", look[i]->text);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_close(&j, '}');
}

int audit_files(struct arena *a, const char *path, const char *original, bool json, FILE *out,
		struct diags *dg)
{
	struct audit au;
	const struct audit_look *look[] = { &au.bytes, &au.lief, &au.elflint };
	int r;

	progress_step("comparing %s with %s", path, original);
	r = audit_compare(a, path, original, &au, dg);
	progress_end();
	if (r < 0)
		return r;
	if (json)
		print_json(path, original, look, out);
	for (int i = 0; i < 3; i++) {
		if (!json)
			fprintf(out, "%-8s %s%s%s\n", look[i]->name, result_name(look[i]->result),
				look[i]->text ? ": " : "", look[i]->text ? look[i]->text : "");
		if (look[i]->result == AUDIT_DIFFERS && !r)
			r = diag(dg, DIAG_P111, at_file(path), "%s: %s", look[i]->name,
				 look[i]->text);
	}
	if (!r && au.lief.result == AUDIT_UNAVAILABLE && au.elflint.result == AUDIT_UNAVAILABLE)
		r = diag(dg, DIAG_P112, at_file(path), "%s; %s", au.lief.text, au.elflint.text);
	return r;
}
