/* SPDX-License-Identifier: MIT
 *
 * stack.c - the stack: what was spilled comes back as it was. */
#include "vfy.h"

#include <inttypes.h>
#include <string.h>

/* Byte n of a frame's stack, counted from its top: r10 - 1 is byte 0.  It lies in slot n / 8
 * at address offset 7 - n % 8. */
static uint8_t *stack_byte(struct frame *f, unsigned n)
{
	return &f->slot[n / 8].byte[7 - n % 8];
}

static void use_slots(struct vfy *v, struct frame *f, unsigned bytes)
{
	struct subprog *s = &v->sub[f->sub];
	unsigned n = (bytes + 7) / 8;

	if (n > f->n_slot) {
		memset(&f->slot[f->n_slot], 0, (n - f->n_slot) * sizeof(f->slot[0]));
		f->n_slot = (uint16_t)n;
	}
	if (bytes > s->stack_bytes)
		s->stack_bytes = (uint16_t)bytes;
}

/* The slot no longer holds a register as a whole: its bytes are just bytes. */
static void break_spill(struct vfy *v, struct slot *s)
{
	if (s->byte[0] != BYTE_SPILL)
		return;
	fact_number(v, &s->reg);	/* what is left may be read as numbers */
	for (int i = 0; i < 8; i++)
		if (s->byte[i] == BYTE_SPILL)
			s->byte[i] = BYTE_MISC;
	s->reg.type = REG_NONE;
}

static unsigned spill_size(const struct slot *s)
{
	unsigned n = 0;

	while (n < 8 && s->byte[n] == BYTE_SPILL)
		n++;
	return n;
}

static bool holds_spill(const struct slot *s) { return s->byte[0] == BYTE_SPILL; }

static bool spilled_zero(const struct slot *s)
{
	return holds_spill(s) && s->reg.type == REG_SCALAR && scalar_is(&s->reg.var, 0);
}

/* ---- fixed offset; `low` is the lowest address as an offset from r10, negative ---- */

static int write_fixed(struct vfy *v, struct frame *f, int low, unsigned bytes,
		       const struct reg *value)
{
	unsigned first = (unsigned)(-low - 1);	/* stack_byte() of the lowest address */
	struct slot *s = &f->slot[first / 8];
	uint8_t kind = BYTE_MISC;

	if (value && is_pointer(value)) {
		if (bytes != 8)
			return refuse(v, DIAG_V010, "%u bytes of a pointer are stored; only all 8 can be",
				      bytes);
		if (value->type == REG_STACK && f != frame_of(v->cur))
			return refuse(v, DIAG_V010, "a pointer to the stack is stored in a caller's stack");
	}
	if (value && first % 8 == 7) {		/* at a slot's start: the value is kept */
		if (bytes < 8)
			break_spill(v, s);
		memset(s->byte, BYTE_SPILL, bytes);
		s->reg = *value;
		if (bytes < 8 && value->var.w.umax >> (bytes * 8))
			s->reg.id = 0, s->reg.delta = 0;
		if (bytes == 8)
			f->written |= 1ull << first / 8;
		return 0;
	}
	if (value && value->type == REG_SCALAR && scalar_is(&value->var, 0)) {
		mark_precise(v, value->def);
		kind = BYTE_ZERO;
	}
	break_spill(v, s);
	for (unsigned i = 0; i < bytes; i++)
		*stack_byte(f, first - i) = kind;
	if (bytes == 8)
		f->written |= 1ull << first / 8;
	return 0;
}

/* What the bytes hold when they are not one spilled register: all zero, or anything. */
static void read_bytes(struct vfy *v, struct frame *f, unsigned first, unsigned bytes,
		       struct reg *value)
{
	bool zero = true;

	for (unsigned i = 0; i < bytes; i++) {
		const struct slot *s = &f->slot[(first - i) / 8];
		uint8_t b = *stack_byte(f, first - i);

		v->out->by_chance |= b == BYTE_NONE;
		if (b == BYTE_SPILL && spilled_zero(s))
			mark_precise(v, s->reg.def);
		else if (b != BYTE_ZERO)
			zero = false;
	}
	if (zero)
		reg_set_scalar(v, value, scalar_const(0), 0);
	else
		reg_set_scalar(v, value, scalar_of_size(bytes * 8, false), 0);
}

static int read_fixed(struct vfy *v, struct frame *f, int low, unsigned bytes, struct reg *value)
{
	unsigned first = (unsigned)(-low - 1);
	struct slot *s = &f->slot[first / 8];
	unsigned spilled = spill_size(s);

	mark_slots_read(v, f, 1ull << first / 8);
	if (holds_spill(s) && is_pointer(&s->reg) && bytes != 8)
		return refuse(v, DIAG_V010, "%u bytes of a spilled pointer are read; only all 8 can be",
			      bytes);
	if (!value)
		return 0;
	if (first % 8 != 7 || bytes > spilled) {
		read_bytes(v, f, first, bytes, value);
		return 0;
	}
	*value = s->reg;
	if (value->type == REG_SCALAR && (bytes < 8 || spilled < 8)) {
		if (bytes < 8 && value->var.w.umax >> (bytes * 8))
			value->id = 0, value->delta = 0;
		scalar_zext(&value->var, bytes * 8);
		value->def = def_new(v, s->reg.def, 0);
	}
	return 0;
}

/* ---- variable offset: [lo, hi) in bytes from r10 ---- */

static void write_range(struct vfy *v, struct frame *f, int lo, int hi, const struct reg *value)
{
	bool zero = value && value->type == REG_SCALAR && scalar_is(&value->var, 0), used = false;

	if (value)
		fact_number(v, value);
	for (int n = (-hi + 7) & ~7; n + 8 <= -lo && !zero; n += 8)
		f->written |= 1ull << n / 8;	/* whatever was there, it may be anything now */
	for (int at = lo; at < hi; at++) {
		unsigned n = (unsigned)(-at - 1);
		struct slot *s = &f->slot[n / 8];
		uint8_t *b = stack_byte(f, n);

		if (zero && (*b == BYTE_ZERO || (*b == BYTE_SPILL && spilled_zero(s)))) {
			used = true;
			continue;
		}
		break_spill(v, s);
		*b = BYTE_MISC;
	}
	if (used)
		mark_precise(v, value->def);
}

static int read_range(struct vfy *v, struct frame *f, int lo, int hi, unsigned bytes,
		      struct reg *value)
{
	bool zero = true;

	for (int at = lo; at < hi; at++) {
		unsigned n = (unsigned)(-at - 1);
		struct slot *s = &f->slot[n / 8];

		mark_slots_read(v, f, 1ull << n / 8);
		v->out->by_chance |= *stack_byte(f, n) == BYTE_NONE ||
				     (holds_spill(s) && is_pointer(&s->reg));
		if (value && *stack_byte(f, n) == BYTE_SPILL && spilled_zero(s))
			mark_precise(v, s->reg.def);
		else if (*stack_byte(f, n) != BYTE_ZERO)
			zero = false;
		if (holds_spill(s) && is_pointer(&s->reg) && bytes != 8)
			return refuse(v, DIAG_V010, "a read at a variable offset may take apart a spilled pointer");
	}
	if (!value)
		return 0;
	if (zero)
		reg_set_scalar(v, value, scalar_const(0), 0);
	else
		reg_set_scalar(v, value, scalar_of_size(bytes * 8, false), 0);
	return 0;
}

/* ---- entry ---- */

/* [*lo, *hi) becomes the bytes that may be touched, from the frame's r10. */
static int stack_bounds(struct vfy *v, unsigned r, int32_t off, uint64_t bytes, int *lo, int *hi)
{
	const struct reg *p = reg_of(v, r);
	int64_t base = (int64_t)p->off + off, first, last;

	if (p->var.w.smin <= -MAX_OFF || p->var.w.smax >= MAX_OFF)
		return refuse_reg(v, DIAG_V010, r, "an unbounded offset into the stack");
	first = base + p->var.w.smin;
	last = base + p->var.w.smax;
	if (first < -BPFI_STACK_BYTES || first >= 0 || last > 0 || bytes > (uint64_t)-last)
		return first == last
			? refuse_reg(v, DIAG_V010, r, "%" PRIu64 " bytes at offset %" PRId64
				     " are not within the %d bytes below r10", bytes, first,
				     BPFI_STACK_BYTES)
			: refuse_reg(v, DIAG_V010, r, "%" PRIu64 " bytes at offset %" PRId64 "..%"
				     PRId64 " are not within the %d bytes below r10", bytes, first,
				     last, BPFI_STACK_BYTES);
	*lo = (int)first;
	*hi = (int)(last + (int64_t)bytes);
	return 0;
}

int stack_access(struct vfy *v, unsigned r, int32_t off, uint64_t bytes, unsigned access,
		 struct reg *value)
{
	const struct reg *p = reg_of(v, r);
	struct frame *f = v->cur->frame[p->frame];
	bool fixed = scalar_is_const(&p->var);
	int lo = 0, hi = 0, e;

	if ((e = stack_bounds(v, r, off, bytes, &lo, &hi)) < 0 || lo == hi)
		return e;
	use_slots(v, f, (unsigned)-lo);
	for (unsigned n = (unsigned)-hi / 8; n <= (unsigned)(-lo - 1) / 8; n++)
		if (is_iter(f, n))
			return refuse_reg(v, DIAG_V010, r, "the stack at r10 - %u holds an iterator",
					  8 * n + 8);
		else if (is_dynptr(f, n) && (access & (ACCESS_READ | ACCESS_HELPER)))
			return refuse_reg(v, DIAG_V010, r, "the stack at r10 - %u holds a dynptr",
					  8 * n + 8);
		else if ((e = dynptr_overwrite(v, f, n, value)) < 0)
			return e;
	if (!fixed)
		mark_precise(v, p->def);
	if (access & ACCESS_HELPER) {	/* any number of bytes */
		if (access & ACCESS_READ) {
			if ((e = read_range(v, f, lo, hi, 8, NULL)) < 0)
				return e;
			fact_stack_read(v, f, lo, hi);
		}
		if (access & ACCESS_WRITE)
			write_range(v, f, lo, hi, NULL);
		return 0;
	}
	if (access & ACCESS_WRITE) {
		if (fixed)
			return write_fixed(v, f, lo, (unsigned)bytes, value);
		write_range(v, f, lo, hi, value);
		return 0;
	}
	return fixed ? read_fixed(v, f, lo, (unsigned)bytes, value)
		     : read_range(v, f, lo, hi, (unsigned)bytes, value);
}

bool stack_const(struct vfy *v, const struct reg *p, unsigned bytes, uint64_t *out)
{
	struct frame *f = v->cur->frame[p->frame];
	int64_t low = p->off + (int64_t)p->var.bits.value;
	struct slot *s;
	unsigned first, zero = 0;

	if (!scalar_is_const(&p->var) || low < -BPFI_STACK_BYTES || low + bytes > 0)
		return false;
	first = (unsigned)(-low - 1);
	use_slots(v, f, first + 1);
	s = &f->slot[first / 8];
	while (zero < bytes && first % 8 >= zero && *stack_byte(f, first - zero) == BYTE_ZERO)
		zero++;
	*out = 0;
	if (zero == bytes) {
		mark_slots_read(v, f, 1ull << first / 8);
		return true;
	}
	if (first % 8 != 7 || spill_size(s) != bytes || s->reg.type != REG_SCALAR ||
	    !scalar_is_const(&s->reg.var) ||
	    (v->opts->plain & PLAIN_KEY && s->reg.var.bits.value & ~low_mask(bytes * 8)))
		return false;
	mark_slots_read(v, f, 1ull << first / 8);
	mark_precise(v, s->reg.def);
	*out = s->reg.var.bits.value & low_mask(bytes * 8);
	return true;
}
