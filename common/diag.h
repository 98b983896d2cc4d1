/* SPDX-License-Identifier: MIT
 *
 * diag.h - every complaint a tool makes about its input goes here.
 *
 * A pass that finds a problem writes
 *         return diag(dg, DIAG_V003, at_insn(...), "#%d", id);
 * diag() reports it and yields a negative code, so one line both reports and
 * propagates.  Passes never print and never exit. */
#ifndef BPFTIME_COMMON_DIAG_H
#define BPFTIME_COMMON_DIAG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

enum diag_code {
	DIAG_OK,
#define DIAG(code_, exit_, text_) DIAG_##code_,
#include "diags.def"
#undef DIAG
	DIAG_COUNT
};

/* What main() returns; the same in every tool and in --help. */
enum exit_code { EX_OK = 0, EX_REFUSED = 1, EX_USAGE = 2, EX_ENV = 3, EX_BUG = 4 };

/* Where in the input the problem is.  NULL and -1 mean "not known". */
struct loc {
	const char *file;	/* path as the user typed it */
	const char *prog;	/* BPF program, or ELF section */
	int64_t     insn;	/* 8-byte slot from the program's start, or byte offset in the section */
	const char *src;	/* "name.bpf.c:41" from .BTF.ext */
};

struct diags {			/* one per tool run; zero-initialise it */
	FILE    *out;		/* NULL: keep, do not print */
	unsigned errors, warnings;
	enum diag_code first;	/* code, place and text of the first error */
	int64_t  first_insn;
	char     first_text[512];	/* its message; the code's text where it has none */
};

/* Report an error: "file:prog:insn: error[V003]: text: message (src)".
 * The message is one line; control bytes in it are shown escaped.
 * Returns -(int)code, always < 0. */
int diag(struct diags *dg, enum diag_code code, struct loc at, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* "file: warning: message".  Never changes the outcome. */
void diag_warn(struct diags *dg, struct loc at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* A continuation line, indented, of the error just reported (a log, a remedy). */
void diag_more(struct diags *dg, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static inline struct loc at_file(const char *file)
{
	struct loc l = { file, NULL, -1, NULL };
	return l;
}
static inline struct loc at_insn(const char *file, const char *prog, int64_t insn, const char *src)
{
	struct loc l = { file, prog, insn, src };
	return l;
}

const char *diag_name(enum diag_code code);	/* "V003" */
const char *diag_text(enum diag_code code);	/* "unknown helper" */

/* What the first error's message says besides the code's text; "": nothing. */
const char *diags_detail(const struct diags *dg);

/* The exit code of a run: EX_OK without errors, else that of the first. */
enum exit_code diags_exit(const struct diags *dg);

#ifdef __cplusplus
}
#endif
#endif
