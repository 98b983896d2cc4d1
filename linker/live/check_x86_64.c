/* SPDX-License-Identifier: MIT
 *
 * check_x86_64.c - where threads are, and where they will go on.
 *
 * Return addresses never lead into the bytes of a site: no call but the last instruction is
 * displaced (window_x86_64.c).  What can is the program counter of a thread, and the ones
 * that signal frames keep.  Those are on the stacks, known by their form: RIP, flags and the
 * code segment of a 64-bit program next to each other, 0x33 (struct sigcontext). */
#include "part.h"

#include <stdlib.h>
#include <string.h>

#include "trampoline.h"

enum {
	FRAME_BYTES = 1 << 20,	/* of each stack that are looked through for signal frames, */
	STACK_BYTES = 64 << 20,	/* and for return addresses */
	USER_CS = 0x33, AT_CS = 2,	/* words behind RIP */
};

/* The edit whose bytes hold pc, but not at their start; of a site, the start is fine. */
static const struct live_edit *inside(const struct live_part *part, uint64_t pc)
{
	for (size_t i = 0; i < part->n_edit; i++) {
		const struct live_edit *e = &part->edit[i];

		if (e->kind == LIVE_CODE && pc - e->at < e->after.n && (pc != e->at || e->rank == 1))
			return e;
	}
	return NULL;
}

/* 0: there is none. */
static uint64_t moved(const struct live_part *part, uint64_t pc)
{
	uint64_t vaddr = pc - part->m->bias, to = 0;

	if (!part->serves)
		to = plan_moved(part->job.plan, vaddr);
	for (size_t i = 0; part->serves && i < part->ts->n_insn && !to; i++)
		if (part->ts->insn[i].vaddr == vaddr)
			to = part->ts->moved[i];
	return to ? to + part->m->bias : 0;
}

struct range {	/* all edits of a part, and more */
	uint64_t from, to;
};

static struct range range_of(const struct live_part *part)
{
	struct range r = { UINT64_MAX, 0 };

	for (size_t i = 0; i < part->n_edit; i++) {
		const struct live_edit *e = &part->edit[i];

		if (e->kind != LIVE_CODE)
			continue;
		r.from = e->at < r.from ? e->at : r.from;
		r.to = e->at + e->after.n > r.to ? e->at + e->after.n : r.to;
	}
	return r;
}

/* From the stack pointer to the end of the mapping, or `most` bytes.  Nothing below it is returned to. */
static uint64_t *read_stack(const struct stopped *s, const struct stopped_thread *t, size_t most,
			    uint64_t *from, size_t *n)
{
	uint64_t at = t->regs.rsp & ~7ull;
	const struct proc_map *m = proc_map_at(s->p, at);
	uint64_t *buf;
	size_t bytes;

	*n = 0;
	if (!m || !m->r)
		return NULL;
	bytes = m->end - at < most ? m->end - at : most;
	buf = malloc(bytes);
	if (!buf)
		return NULL;
	*from = at;
	*n = proc_read_some(s->p, at, buf, bytes) / 8;
	return buf;
}

/* What signal handlers will return to. */
static bool move_frames(struct stopped *s, const struct stopped_thread *t,
			const struct live_part *part, struct range r, bool write)
{
	uint64_t at = 0;
	size_t n;
	uint64_t *word = read_stack(s, t, FRAME_BYTES, &at, &n);
	bool ok = true;

	for (size_t i = 0; i + AT_CS < n && ok; i++) {
		uint64_t to;

		if (word[i] < r.from || word[i] >= r.to || (word[i + AT_CS] & 0xffff) != USER_CS ||
		    !inside(part, word[i]))
			continue;
		to = moved(part, word[i]);
		ok = to && (!write || proc_write(s->p, at + 8 * i, &to, sizeof(to)));
	}
	free(word);
	return ok;
}

bool live_interrupted(const struct stopped *s, const struct stopped_thread *t, uint64_t from, uint64_t to)
{
	uint64_t at;
	size_t n;
	uint64_t *word = read_stack(s, t, FRAME_BYTES, &at, &n);
	bool found = false;

	for (size_t i = 0; i + AT_CS < n && !found; i++)
		found = word[i] >= from && word[i] < to && (word[i + AT_CS] & 0xffff) == USER_CS;
	free(word);
	return found;
}

int live_check_threads(struct stopped *s, const struct live_part *part)
{
	struct range r = range_of(part);

	for (size_t i = 0; i < s->n; i++) {
		const struct stopped_thread *t = &s->t[i];

		if ((inside(part, t->regs.rip) && !moved(part, t->regs.rip)) ||
		    !move_frames(s, t, part, r, false))
			return t->tid;
	}
	return 0;
}

void live_move_threads(struct stopped *s, const struct live_part *part)
{
	struct range r = range_of(part);

	for (size_t i = 0; i < s->n; i++) {
		struct stopped_thread *t = &s->t[i];

		move_frames(s, t, part, r, true);
		if (!inside(part, t->regs.rip))
			continue;
		t->regs.rip = moved(part, t->regs.rip);
		t->dirty = true;
		stop_put_regs(t);
	}
}

bool live_in_use(const struct stopped *s, uint64_t from, uint64_t to)
{
	bool used = false;

	for (size_t i = 0; i < s->n && !used; i++) {
		const struct stopped_thread *t = &s->t[i];
		uint64_t at;
		size_t n = 0;
		uint64_t *word;

		used = t->regs.rip >= from && t->regs.rip < to;
		word = used ? NULL : read_stack(s, t, STACK_BYTES, &at, &n);
		for (size_t k = 0; word && k < n && !used; k++)
			used = word[k] >= from && word[k] < to;
		used |= !word || n == STACK_BYTES / 8;	/* nothing, or not all, is known of it */
		free(word);
	}
	return used;
}
