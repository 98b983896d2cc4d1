/* SPDX-License-Identifier: MIT
 *
 * window_x86_64.c - which instructions make room for the jump, and what is live there. */
#include "window.h"

#include <string.h>

#include "go_x86_64.h"

enum {
	JMP_BYTES = 5, SHORT_BYTES = 2,
	LOOK_AHEAD = 32,	/* instructions that may pass before the flags are decided */
};

static bool decode_at(const struct image *im, uint64_t vaddr, uint64_t end, struct insn *out)
{
	uint64_t n = end - vaddr < 15 ? end - vaddr : 15;
	const uint8_t *p = end > vaddr ? image_at(im, vaddr, n) : NULL;

	return p && insn_decode(p, n, vaddr, out);
}

/* Are status flags read at vaddr before they are written?  At a function's entry and after
 * a call or return they hold nothing (psABI 3.2.1); where the look ends without an answer
 * they do in the middle of a function. */
static bool flags_live(const struct image *im, const struct targets *t, uint64_t vaddr, bool entry)
{
	uint16_t unknown = FLAGS_STATUS;

	for (unsigned i = 0; i < LOOK_AHEAD; i++) {
		struct insn in;

		if (!decode_at(im, vaddr, targets_code_end(t, vaddr), &in))
			return true;
		if (in.flags_read & unknown)
			return true;
		unknown &= (uint16_t)~in.flags_killed;
		if (!unknown)
			return false;
		vaddr += in.len;
		switch (in.kind) {
		case INSN_CALL: case INSN_CALL_IND: case INSN_RET: case INSN_TRAP:
			return false;
		case INSN_JMP:
			vaddr = in.target;
			break;
		case INSN_JMP_IND: case INSN_LOOP: case INSN_XBEGIN:
			return !entry;
		default:
			break;
		}
	}
	return !entry;
}

/* Is there an `std` in the function?  Then DF may be set in its middle. */
static bool sets_df(const struct image *im, const struct targets *t, const struct site *s)
{
	uint64_t at = s->fn_vaddr, end = s->fn_vaddr + s->fn_bytes;

	if (!s->fn_bytes)
		return true;
	if (end > targets_code_end(t, at))
		return true;
	while (at < end) {
		struct insn in;

		if (!decode_at(im, at, end, &in)) {
			at++;
			continue;
		}
		if (in.flags_read & FLAG_DF)
			return true;
		at += in.len;
	}
	return false;
}

static bool is_fragment(const struct site *s)
{
	return s->symbol && (strstr(s->symbol, ".cold") || strstr(s->symbol, ".part."));
}

/* What the code at the site may rely on. */
static void see_state(const struct image *im, const struct targets *t, struct site *s,
		      struct tramp_site *ts)
{
	bool entry = s->kind == SITE_ENTRY;

	ts->has_row = cfi_row_at(im, s->vaddr, &ts->row);
	if (s->kind == SITE_RETURN)	/* results and callee-saved registers: no flags */
		return;
	if (entry && ((ts->has_row && !cfi_row_is_entry(&ts->row)) || is_fragment(s) ||
		      (!s->symbol && !targets_called(t, s->vaddr))))
		entry = false;
	ts->red_zone = !entry;
	ts->flags = flags_live(im, t, s->patch_vaddr, entry) ? FLAGS_STATUS_LIVE : FLAGS_DEAD;
	if (!entry && sets_df(im, t, s))
		ts->flags = FLAGS_ALL_LIVE;
}

/* Nothing but padding in [from, to), and nobody comes there? */
static bool is_padding(const struct image *im, const struct targets *t, uint64_t from, uint64_t to)
{
	uint64_t end = targets_code_end(t, from);

	if (to > end || targets_in(t, from, to))
		return false;
	while (from < to) {
		struct insn in;

		if (!decode_at(im, from, end, &in) ||
		    (in.kind != INSN_NOP && (in.kind != INSN_TRAP || in.byte[0] != 0xcc)))
			return false;
		from += in.len;
	}
	return true;
}

/* The hooked system call has a way of its own to move. */
static bool is_the_call(const struct site *s, const struct insn *in)
{
	return s->kind == SITE_SYSCALL && in->vaddr == s->vaddr;
}

/* Collects whole instructions from patch_vaddr until `need` bytes are covered.  NULL and
 * *tactic, or the reason. */
static const char *collect(const struct image *im, struct targets *t, const struct site *s,
			   uint64_t need, struct tramp_site *ts, enum tactic *tactic)
{
	uint64_t at = s->patch_vaddr, want = at + need, end = targets_code_end(t, at);
	uint64_t fn_end = s->fn_bytes ? s->fn_vaddr + s->fn_bytes : targets_next_start(t, s->vaddr);

	ts->n_insn = 0;
	*tactic = need == JMP_BYTES ? TACTIC_JMP : TACTIC_SHORT;
	while (at < want) {
		struct insn *in = &ts->insn[ts->n_insn];
		const struct insn *last = ts->n_insn ? in - 1 : NULL;

		if (last && (insn_ends(last) || at >= fn_end)) {
			if (!is_padding(im, t, at, want))
				return "too short, and no padding follows";
			*tactic = need == JMP_BYTES ? TACTIC_PADDING : *tactic;
			break;
		}
		if (!decode_at(im, at, end, in))
			return "bytes that are no instruction";
		if (in->refuse && !is_the_call(s, in))
			return in->refuse;
		at += in->len;
		ts->n_insn++;
		if ((in->kind == INSN_CALL || in->kind == INSN_CALL_IND) && at < want)
			return "a call that would return into the jump";
	}
	ts->back_vaddr = at;
	if (targets_in(t, s->patch_vaddr + 1, want))
		return "a branch, table or pointer leads into the bytes of the jump";
	targets_reserve(t, at, want);
	return NULL;
}

/* Can these be passed on the way to the hooked instruction, and only on that way? */
static bool leads_to(const struct insn *in, const struct insn *end)
{
	for (; in < end; in++)
		if (in->refuse || insn_ends(in) || in->kind == INSN_CALL || in->kind == INSN_CALL_IND ||
		    in->kind == INSN_XBEGIN)
			return false;
	return true;
}

/* The jump goes to an earlier instruction, from which control always arrives at the hooked
 * one: where a branch leads to what follows that, as behind the nop of a probe. */
static const char *collect_before(const struct image *im, struct targets *t, struct site *s,
				  struct tramp_site *ts, const char *why)
{
	uint64_t end = targets_code_end(t, s->vaddr), start = s->vaddr, at, need;
	size_t n;

	if (!s->fn_bytes)
		return why;
	for (n = 1; n <= JMP_BYTES && (start = targets_previous(t, start)) >= s->fn_vaddr; n++) {
		size_t k = 0;

		need = start + JMP_BYTES > s->vaddr + 1 ? start + JMP_BYTES : s->vaddr + 1;
		if (targets_in(t, start + 1, s->vaddr + 1))
			return why;
		if (targets_in(t, start + 1, need))
			continue;	/* from further ahead the jump ends earlier */
		for (at = start; at < need && k < WINDOW_MAX; at += ts->insn[k++].len)
			if (!decode_at(im, at, end, &ts->insn[k]) ||
			    (ts->insn[k].refuse && !is_the_call(s, &ts->insn[k])))
				return why;
		ts->n_before = n;
		ts->n_insn = k;
		ts->back_vaddr = at;
		if (at < need || k <= n || ts->insn[n].vaddr != s->vaddr ||
		    !leads_to(ts->insn, ts->insn + n))
			return why;
		if (start + JMP_BYTES <= s->vaddr + ts->insn[n].len) {
			s->patch_vaddr = start;
			s->tactic = TACTIC_BEFORE;
			s->window_bytes = JMP_BYTES;
			return NULL;
		}
	}
	return why;
}

/* The jump through the GOT in a PLT stub. */
static const char *import_window(const struct image *im, struct targets *targets, struct site *s,
				 struct tramp_site *ts)
{
	const struct image_import *imp = s->import;
	uint64_t at = imp->stub_vaddr, end = at + imp->stub_bytes;
	static const uint8_t jmp_got[6] = { 0xff, 0x25 };

	ts->row = cfi_entry_row();
	ts->has_row = true;
	ts->r11_dead = true;	/* the lazy resolver uses it (psABI, figure 3.4) */
	ts->n_insn = 1;
	s->tactic = TACTIC_PLT;
	ts->call = targets_got_calls(targets, imp, &ts->n_call);
	if (!imp->stub_vaddr) {	/* the trampoline is the stub */
		if (!ts->n_call)
			return "imported, but only its address is taken: no call goes through here";
		insn_decode(jmp_got, sizeof(jmp_got), imp->got_vaddr - 6, &ts->insn[0]);
		s->vaddr = s->patch_vaddr = ts->call[0];
		return NULL;
	}
	while (at < end && decode_at(im, at, end, &ts->insn[0])) {
		const struct insn *in = &ts->insn[0];

		if (in->kind == INSN_JMP_IND && in->rip_rel && in->mem_vaddr == imp->got_vaddr) {
			s->patch_vaddr = at;
			s->window_bytes = in->len;
			return NULL;
		}
		ts->r11_dead &= in->kind == INSN_ENDBR || in->kind == INSN_NOP;
		at += in->len;
	}
	return "a PLT stub of unknown form";
}

const char *window_decide(const struct image *im, struct targets *targets, struct site *s,
			  struct tramp_site *ts)
{
	const char *why, *why_short;
	struct insn first;

	if (s->kind == SITE_IMPORT)
		return import_window(im, targets, s, ts);
	if (!decode_at(im, s->vaddr, targets_code_end(targets, s->vaddr), &first))
		return "no code";
	if (!targets_boundary(targets, s->vaddr))
		return "not the start of an instruction";
	s->patch_vaddr = s->vaddr + (first.kind == INSN_ENDBR ? first.len : 0);
	see_state(im, targets, s, ts);
	why = go_see_site(im, s, ts);
	if (why)
		return why;
	s->window_bytes = JMP_BYTES;
	if (ts->n_insn) {	/* Go's check of the stack, which is longer; else what follows it */
		s->tactic = TACTIC_JMP;
		if (!targets_in(targets, s->patch_vaddr + 1, s->patch_vaddr + JMP_BYTES))
			return NULL;
		s->patch_vaddr = ts->back_vaddr;
		ts->n_insn = ts->n_before = 0;
	}
	why = collect(im, targets, s, JMP_BYTES, ts, &s->tactic);
	if (!why)
		return NULL;
	s->window_bytes = SHORT_BYTES;
	why_short = collect(im, targets, s, SHORT_BYTES, ts, &s->tactic);
	if (!why_short)
		ts->short_vaddr = targets_take_padding(targets, s->patch_vaddr);
	if (ts->short_vaddr || s->kind == SITE_ENTRY)
		return ts->short_vaddr ? NULL : why;
	return collect_before(im, targets, s, ts, why);
}

bool window_borrow(const struct image *im, struct targets *targets, struct site *s,
		   struct tramp_site *ts, const struct site *host, struct tramp_site *host_ts)
{
	uint64_t room = host->patch_vaddr + JMP_BYTES;
	int64_t d = (int64_t)(room - (s->patch_vaddr + SHORT_BYTES));
	struct tramp_site more = *host_ts;
	enum tactic tactic;

	if (!s->patch_vaddr || host->refused || host->tactic != TACTIC_JMP || host_ts->lends ||
	    host_ts->n_before || d < -128 || d > 127 ||
	    collect(im, targets, host, 2 * JMP_BYTES, &more, &tactic) ||
	    more.back_vaddr < room + JMP_BYTES || go_window_refused(im, host, &more) ||
	    collect(im, targets, s, SHORT_BYTES, ts, &s->tactic))
		return false;
	more.lends = true;
	*host_ts = more;
	ts->host = host;
	ts->short_vaddr = room;
	s->tactic = TACTIC_SHORT;
	s->window_bytes = SHORT_BYTES;
	return true;
}

static size_t jmp_bytes(uint64_t at, uint64_t to, uint8_t out[8], bool *far)
{
	struct code c = { out, 0, 8, at, false };

	put_jmp(&c, to);
	*far |= c.far;
	return c.n;
}

size_t window_bytes_at(const struct site *s, const struct tramp_site *t, uint64_t tramp_vaddr,
		       uint8_t out[8], bool *far)
{
	memset(out, 0x90, 8);
	if (s->tactic == TACTIC_SHORT) {
		out[0] = 0xeb;
		out[1] = (uint8_t)(t->short_vaddr - (s->patch_vaddr + SHORT_BYTES));
	} else {
		jmp_bytes(s->patch_vaddr, tramp_vaddr, out, far);
	}
	return s->window_bytes;
}

size_t window_padding_bytes(const struct tramp_site *t, uint64_t tramp_vaddr, uint8_t out[8],
			    bool *far)
{
	return jmp_bytes(t->short_vaddr, tramp_vaddr, out, far);
}

size_t window_call_bytes(const struct image *im, const struct targets *targets, uint64_t vaddr,
			 uint64_t got_vaddr, uint64_t tramp_vaddr, uint8_t out[8], bool *far)
{
	struct code c = { out, 0, 8, vaddr, false };
	struct insn in;

	if (!decode_at(im, vaddr, targets_code_end(targets, vaddr), &in) || in.len < 6 ||
	    in.mem_vaddr != got_vaddr || targets_in(targets, vaddr + 1, vaddr + in.len))
		return 0;
	/* As long as before, so that a call returns to the same place: addr32 means nothing
	 * to a direct call. */
	for (unsigned i = 5; i < in.len && in.kind == INSN_CALL_IND; i++)
		PUT(&c, 0x67);
	PUT(&c, in.kind == INSN_CALL_IND ? 0xe8 : 0xe9);
	put_rel32(&c, tramp_vaddr, 0);
	while (c.n < in.len)
		PUT(&c, 0x90);
	*far |= c.far;
	return c.n;
}
