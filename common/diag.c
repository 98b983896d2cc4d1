/* SPDX-License-Identifier: MIT */
#include "diag.h"

#include <stdarg.h>
#include <string.h>

#include "progress.h"
#include "text.h"

static const struct {
	const char *name, *text;
	enum exit_code exit;
} table[DIAG_COUNT] = {
#define DIAG(code_, exit_, text_) [DIAG_##code_] = { #code_, text_, EX_##exit_ },
#include "diags.def"
#undef DIAG
};

const char *diag_name(enum diag_code code) { return table[code].name; }
const char *diag_text(enum diag_code code) { return table[code].text; }

static void print_loc(FILE *out, struct loc at)
{
	text_put_clean(out, at.file ? at.file : "<input>");
	if (at.prog) {
		fputc(':', out);
		text_put_clean(out, at.prog);
	}
	if (at.insn >= 0)
		fprintf(out, ":%lld", (long long)at.insn);
}

int diag(struct diags *dg, enum diag_code code, struct loc at, const char *fmt, ...)
{
	char text[sizeof(dg->first_text)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (!strcmp(text, table[code].text))	/* what another report had for its text */
		text[0] = 0;
	if (!dg->errors++) {
		dg->first = code;
		dg->first_insn = at.insn;
		snprintf(dg->first_text, sizeof(dg->first_text), "%s", text[0] ? text : table[code].text);
	}
	if (dg->out) {
		progress_hold();
		print_loc(dg->out, at);
		fprintf(dg->out, ": error[%s]: %s%s", table[code].name, table[code].text,
			text[0] ? ": " : "");
		text_put_clean(dg->out, text);
		if (at.src) {
			fputs(" (", dg->out);
			text_put_clean(dg->out, at.src);
			fputc(')', dg->out);
		}
		fputc('\n', dg->out);
		progress_go_on();
	}
	return -(int)code;
}

/* at: NULL, or what the line begins with. */
static void put_line(FILE *out, const struct loc *at, const char *mark, const char *fmt, va_list ap)
{
	char text[1024];

	vsnprintf(text, sizeof(text), fmt, ap);
	progress_hold();
	if (at)
		print_loc(out, *at);
	fputs(mark, out);
	text_put_clean(out, text);
	fputc('\n', out);
	progress_go_on();
}

void diag_warn(struct diags *dg, struct loc at, const char *fmt, ...)
{
	va_list ap;

	dg->warnings++;
	if (!dg->out)
		return;
	va_start(ap, fmt);
	put_line(dg->out, &at, ": warning: ", fmt, ap);
	va_end(ap);
}

void diag_more(struct diags *dg, const char *fmt, ...)
{
	va_list ap;

	if (!dg->out)
		return;
	va_start(ap, fmt);
	put_line(dg->out, NULL, "    ", fmt, ap);
	va_end(ap);
}

const char *diags_detail(const struct diags *dg)
{
	return strcmp(dg->first_text, table[dg->first].text) ? dg->first_text : "";
}

enum exit_code diags_exit(const struct diags *dg)
{
	return dg->errors ? table[dg->first].exit : EX_OK;
}
