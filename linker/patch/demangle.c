/* SPDX-License-Identifier: MIT */
#include "demangle.h"

#include <fnmatch.h>
#include <libiberty/demangle.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_BYTES = 4096 };	/* of a mangled name: what is longer is no name people write */

static char *plain(const char *symbol, bool args)
{
	int options = DMGL_ANSI | DMGL_RET_DROP | (args ? DMGL_PARAMS : 0);

	if (symbol[0] != '_' || (symbol[1] != 'Z' && symbol[1] != 'R') ||
	    strnlen(symbol, MAX_BYTES) == MAX_BYTES)
		return NULL;
	/* Rust's older names look like C++'s, with a hash behind them. */
	return cplus_demangle(symbol, options | DMGL_AUTO);
}

const char *demangle(struct arena *a, const char *symbol, bool args)
{
	char *s = plain(symbol, args);
	const char *kept = s ? arena_strdup(a, s) : NULL;

	free(s);
	return kept;
}

bool may_be_pattern(const char *wanted)
{
	return strpbrk(wanted, "*?[") && !strchr(wanted, '(');
}

bool demangle_matches(const char *symbol, const char *wanted, bool glob)
{
	char *s = plain(symbol, strchr(wanted, '('));
	bool same = s && (!strcmp(s, wanted) || (glob && !fnmatch(wanted, s, 0)));

	free(s);
	return same;
}
