/* SPDX-License-Identifier: MIT
 *
 * edit.c - the changes to a process's own code, one write each. */
#include "part.h"

#include <string.h>

enum { MOST_BYTES = 16 };

/* A counter that others count in as well. */
static bool count(const struct proc *p, uint64_t at, int by)
{
	uint16_t n;

	if (!proc_read(p, at, &n, sizeof(n)))
		return false;
	if (by < 0 && !n)	/* a killed patcher had not come so far */
		return true;
	n = (uint16_t)(n + by);
	return proc_write(p, at, &n, sizeof(n));
}

int live_edits_state(const struct proc *p, const struct live_edit *e, size_t n, uint64_t *where)
{
	bool any = false;

	for (size_t i = 0; i < n; i++) {
		uint8_t buf[MOST_BYTES];

		if (e[i].kind != LIVE_CODE)
			continue;
		*where = e[i].at;
		if (e[i].after.n > sizeof(buf) || !proc_read(p, e[i].at, buf, e[i].after.n))
			return -1;
		if (!memcmp(buf, e[i].before.p, e[i].after.n))
			continue;
		if (memcmp(buf, e[i].after.p, e[i].after.n))
			return -1;
		any = true;
	}
	return any;
}

static bool do_edit(const struct proc *p, const struct live_edit *e)
{
	return e->kind == LIVE_COUNTER ? count(p, e->at, 1) : proc_write(p, e->at, e->after.p, e->after.n);
}

static bool undo_edit(const struct proc *p, const struct live_edit *e)
{
	return e->kind == LIVE_COUNTER ? count(p, e->at, -1) : proc_write(p, e->at, e->before.p, e->after.n);
}

bool live_undo_edits(const struct proc *p, const struct live_edit *e, size_t n)
{
	bool ok = true;

	while (n-- > 0)
		ok &= undo_edit(p, &e[n]);
	return ok;
}

bool live_write_edits(const struct proc *p, const struct live_edit *e, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!do_edit(p, &e[i])) {
			live_undo_edits(p, e, i);
			return false;
		}
	return true;
}
