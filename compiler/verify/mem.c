/* SPDX-License-Identifier: MIT
 *
 * mem.c - loads, stores and atomics, and the objects they may touch. */
#include "vfy.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "btf_walk.h"
#include "objfmt.h"

static unsigned size_of(const struct bpfi *in)
{
	static const uint8_t bytes[4] = { 4, 2, 1, 8 };

	return bytes[BPFI_SIZE(in->code) >> 3];
}

/* Are all places that `bytes` at r + off can begin at multiples of it? */
static bool aligned(const struct reg *r, int32_t off, uint32_t bytes)
{
	struct tnum t = tnum_add(r->var.bits, tnum_const((uint64_t)((int64_t)r->off + off)));

	return !((t.value | t.mask) & (bytes - 1));
}

int check_region(struct vfy *v, enum diag_code code, unsigned r, int32_t off, uint64_t bytes,
		 uint64_t limit)
{
	const struct reg *p = reg_of(v, r);
	int64_t base = (int64_t)p->off + off, lo, hi;

	if (p->var.w.smin < -(int64_t)MAX_OFF || p->var.w.smin + base < 0)
		return refuse_reg(v, code, r, "%" PRIu64 " bytes at an offset that may be negative; "
				  "check it as an unsigned number", bytes);
	if (p->var.w.umax >= MAX_OFF)
		return refuse_reg(v, code, r, "%" PRIu64 " bytes at an offset without an upper bound",
				  bytes);
	lo = p->var.w.smin + base;
	hi = (int64_t)p->var.w.umax + base;
	if (hi < 0 || (uint64_t)hi > limit || bytes > limit - (uint64_t)hi)
		return lo == hi
			? refuse_reg(v, code, r, "%" PRIu64 " bytes at offset %" PRId64
				     " do not fit into %" PRIu64, bytes, lo, limit)
			: refuse_reg(v, code, r, "%" PRIu64 " bytes at offset %" PRId64 "..%" PRId64
				     " do not fit into %" PRIu64, bytes, lo, hi, limit);
	return 0;
}

/* ---- context ---- */

/* What a hook's frame has behind the registers is for helpers. */
_Static_assert(CTX_REGS_BYTES == offsetof(struct bpftime_frame_x86_64, cookie), "frame of a hook");

static int ctx_offset(struct vfy *v, unsigned r)
{
	const struct reg *p = reg_of(v, r);

	if (!scalar_is_const(&p->var))
		return refuse_reg(v, DIAG_V009, r, "the context is read at a variable offset");
	if (p->off || p->var.bits.value)
		return refuse_reg(v, DIAG_V009, r, "the context is read through a pointer that was moved; "
				  "only the offset in the instruction may select a field");
	return 0;
}

/* What the program may read of struct xdp_md; what it gets. */
static bool xdp_field(int32_t off, uint32_t bytes, enum reg_type *type)
{
	static const uint8_t kind[5] = { REG_PACKET, REG_PACKET_END, REG_PACKET_META, REG_SCALAR,
					 REG_SCALAR };

	if (bytes != 4 || off < 0 || off >= 20 || off % 4)
		return false;
	*type = kind[off / 4];
	return true;
}

/* What a socket filter may touch of struct __sk_buff (offsets of the UAPI header): the
 * metadata in front and hash, napi_id, gso_segs, gso_size; it may write cb[] only. */
static bool skb_field(int32_t off, uint32_t bytes, unsigned access)
{
	static const struct {
		uint8_t from, to;
	} readable[] = { { 0, 72 }, { 84, 88 }, { 164, 168 }, { 176, 180 } };
	enum { CB = 48, CB_END = 68 };

	if (off < 0 || off % (int32_t)bytes)
		return false;
	if (off >= CB && off + (int32_t)bytes <= CB_END)
		return true;
	if (access & ACCESS_WRITE || bytes == 8)
		return false;
	for (size_t i = 0; i < sizeof(readable) / sizeof(readable[0]); i++)
		if (off >= readable[i].from && off < readable[i].to)
			return true;
	return false;
}

static int ctx_access(struct vfy *v, unsigned r, int32_t off, uint32_t bytes, unsigned access,
		      struct reg *value)
{
	enum reg_type type = REG_SCALAR;
	bool ok, write = access & ACCESS_WRITE;
	int e;

	if (access & ACCESS_ATOMIC)
		return refuse_reg(v, DIAG_V032, r, "an atomic operation on the context");
	if ((e = ctx_offset(v, r)) < 0)
		return e;
	switch (v->p->type) {
	case PROG_KPROBE:
		ok = !write && off >= 0 && off % (int32_t)bytes == 0 &&
		     off + (int32_t)bytes <= CTX_REGS_BYTES;
		break;
	case PROG_TRACEPOINT:
		ok = !write && off >= 8 && off % (int32_t)bytes == 0 && off + (int32_t)bytes <= 8192;
		break;
	case PROG_RAW_TRACEPOINT:
		ok = !write && off >= 0 && off % (int32_t)bytes == 0 && off + (int32_t)bytes <= 96;
		break;
	case PROG_PERF_EVENT:	/* pt_regs, then two u64 */
		ok = !write && off >= 0 && off % (int32_t)bytes == 0 &&
		     off + (int32_t)bytes <= CTX_REGS_BYTES + 16 &&
		     (off < CTX_REGS_BYTES ? bytes == 8 : true);
		break;
	case PROG_XDP:
		ok = !write && xdp_field(off, bytes, &type);
		break;
	case PROG_SOCKET_FILTER:
		ok = skb_field(off, bytes, access);
		break;
	default:
		ok = false;
	}
	if (!ok)
		return refuse(v, DIAG_V009, "%s of %u bytes at offset %d of the context of a %s program",
			      write ? "write" : "read", bytes, off, prog_type_name(v->p->type));
	fact_ctx(v, (uint32_t)off, bytes);
	if (value && !write) {
		if (type == REG_SCALAR)
			reg_set_scalar(v, value, scalar_of_size(bytes * 8, false), 0);
		else
			reg_set_pointer(v, value, type);
	}
	return 0;
}

/* ---- map values ---- */

/* Constant global data: what a read yields is known. */
static bool frozen_value(const struct vfy *v, const struct reg *p, int32_t off, uint32_t bytes,
			 uint64_t *out)
{
	const struct unit_map *m = &v->u->map[p->map];
	int64_t at = (int64_t)p->off + off + (int64_t)p->var.bits.value;

	*out = 0;
	return m->bits & MAP_BIT_RODATA && m->max_entries == 1 && scalar_is_const(&p->var) &&
	       at >= 0 && bytes_get(m->init, (uint64_t)at, out, bytes);
}

static int value_access(struct vfy *v, unsigned r, int32_t off, uint64_t bytes, unsigned access,
			struct reg *value)
{
	const struct reg *p = reg_of(v, r);
	const struct unit_map *m = &v->u->map[p->map];
	uint64_t known;
	int e;

	if (access & ACCESS_WRITE && m->flags & MAP_F_RDONLY_PROG)
		return refuse_reg(v, DIAG_V033, r, "%s is read-only", m->name);
	if (access & ACCESS_READ && m->flags & MAP_F_WRONLY_PROG)
		return refuse_reg(v, DIAG_V033, r, "%s is write-only", m->name);
	if ((e = check_region(v, DIAG_V011, r, off, bytes, m->value_size)) < 0 ||
	    (e = check_beside_lock(v, r, off, bytes)) < 0 ||
	    (e = check_beside_timer(v, r, off, bytes)) < 0)
		return e;
	if (!value || !(access & ACCESS_READ))
		return 0;
	if (frozen_value(v, p, off, (uint32_t)bytes, &known))
		reg_set_scalar(v, value, scalar_const(known), 0);
	else
		reg_set_scalar(v, value, scalar_of_size((unsigned)bytes * 8, false), 0);
	return 0;
}

/* ---- packets ---- */

static int packet_access(struct vfy *v, unsigned r, int32_t off, uint64_t bytes, unsigned access,
			 struct reg *value)
{
	const struct reg *p = reg_of(v, r);
	int64_t at = (int64_t)p->off + off;

	if (v->p->type != PROG_XDP)
		return refuse_reg(v, DIAG_V012, r, "a %s program has no packet access",
				  prog_type_name(v->p->type));
	if (access & ACCESS_ATOMIC)
		return refuse_reg(v, DIAG_V032, r, "an atomic operation on the packet");
	if (p->var.w.smin < 0 || at < 0)
		return refuse_reg(v, DIAG_V012, r, "an offset that may lie before the packet");
	if (at + (int64_t)bytes > p->range)
		return refuse_reg(v, DIAG_V012, r, "%" PRIu64 " bytes at offset %" PRId64
				  ", but only %u are known to be there; compare with data_end first", bytes,
				  at, p->range);
	if (value && access & ACCESS_READ)
		reg_set_scalar(v, value, scalar_of_size((unsigned)bytes * 8, false), 0);
	return 0;
}

/* ---- maps themselves ---- */

/* Fields of the kernel's struct bpf_map, where CO-RE says that they are (relocator/core_target.c).
 * Kernel: check_ptr_to_map_access(). */
static int map_field(struct vfy *v, unsigned r, int32_t off, uint32_t bytes, unsigned access)
{
	const struct reg *p = reg_of(v, r);
	bool arena = v->u->map[p->map].type == MAP_TYPE_arena;

	if (access & (ACCESS_WRITE | ACCESS_ATOMIC))
		return refuse_reg(v, DIAG_V033, r, "a map's fields are read-only");
	if (bytes == 4 && off % 4 == 0 && off >= (int32_t)offsetof(struct bpftime_map, type) &&
	    off <= (int32_t)offsetof(struct bpftime_map, flags))
		return 0;
	if (bytes == 8 && off == (int32_t)offsetof(struct bpftime_map, map_extra))
		return 0;
	if (bytes == 8 && arena && !p->inner && (off == OBJFMT_MAP_USER_START || off == OBJFMT_MAP_USER_END))
		return 0;
	return refuse_reg(v, DIAG_V014, r, "r%u is %s, and %u bytes at offset %d are no field of it that programs "
			  "may read", r, reg_text(v, p), bytes, off);
}

/* ---- addresses that nobody vouches for ---- */

/* A load from a structure of the target's BTF.  1: the value is a pointer, to structure *next or, 0, to what is
 * not known; 0: it is a number. */
static int struct_access(struct vfy *v, unsigned r, int32_t off, uint32_t bytes, uint32_t *next)
{
	const struct reg *p = reg_of(v, r);
	int64_t at = (int64_t)p->off + off + (int64_t)p->var.bits.value;

	if (!scalar_is_const(&p->var))
		return refuse_reg(v, DIAG_V013, r, "a field of a structure at an offset that is not constant");
	if (at < 0 || at > UINT32_MAX)
		return refuse_reg(v, DIAG_V013, r, "%u bytes at offset %" PRId64 " of a structure", bytes, at);
	switch (btf_walk(v->u->target_btf, p->size, (uint32_t)at, bytes, next)) {
	case BTF_WALK_NUMBER:
		return 0;
	case BTF_WALK_POINTER:
		return 1;
	case BTF_WALK_PART:
		return refuse_reg(v, DIAG_V013, r, "%u bytes at offset %" PRId64 ": a part of a pointer", bytes, at);
	case BTF_WALK_BEYOND:
		return refuse_reg(v, DIAG_V013, r, "%u bytes at offset %" PRId64 ": the structure is smaller", bytes, at);
	default:
		return refuse_reg(v, DIAG_V013, r, "%u bytes at offset %" PRId64 ": the structure has no one member there", bytes, at);
	}
}

static int anywhere_access(struct vfy *v, unsigned r, int32_t off, uint32_t bytes, unsigned access, struct reg *value)
{
	uint32_t next = 0;
	int e = 0;

	if (access & ACCESS_WRITE)
		return refuse_reg(v, DIAG_V033, r, "what bpf_rdonly_cast gives is read-only");
	if (access & ACCESS_ATOMIC)
		return refuse_reg(v, DIAG_V032, r, "an atomic operation on memory that may not be there");
	if (reg_of(v, r)->size && (e = struct_access(v, r, off, bytes, &next)) < 0)
		return e;
	v->out->by_chance = true;
	for (uint32_t i = 0; i <= v->cur->top; i++)	/* it may be there */
		fact_stack_read(v, v->cur->frame[i], -BPFI_STACK_BYTES, 0);
	if (!value || !(access & ACCESS_READ))
		return 0;
	if (!e) {
		reg_set_scalar(v, value, scalar_of_size(bytes * 8, false), 0);
	} else {
		reg_set_pointer(v, value, REG_ANYWHERE);
		value->size = next;
	}
	return 0;
}

/* ---- all of them ---- */

int check_mem(struct vfy *v, unsigned r, int32_t off, uint32_t bytes, unsigned access,
	      struct reg *value)
{
	const struct reg *p = reg_of(v, r);
	int e;

	if (is_pointer(p) && p->or_null)
		return refuse_reg(v, DIAG_V015, r, "r%u may be NULL here; compare it with 0 first", r);
	if ((access & ACCESS_ATOMIC || p->type == REG_STACK) && !aligned(p, off, bytes) &&
	    p->type != REG_CTX && p->type != REG_ARENA)
		return refuse_reg(v, p->type == REG_STACK ? DIAG_V010 : DIAG_V032, r,
				  "%u bytes at an offset that is not a multiple of %u", bytes, bytes);
	if (!fact_mem(v, p, off))	/* kernel: reg_type_mismatch(); fields of a context may be translated */
		return refuse_reg(v, DIAG_V014, r, "r%u is %s on one path that comes here and another "
				  "pointer on another", r, p->type == REG_ARENA || v->out->insn[v->cur->pc].mem == MEM_ARENA
				  ? "an address in an arena" : p->type == REG_CTX || v->out->insn[v->cur->pc].mem == MEM_CTX
				  ? "the context" : "a map");
	switch ((enum reg_type)p->type) {
	case REG_STACK:
		return stack_access(v, r, off, bytes, access, value);
	case REG_CTX:
		return ctx_access(v, r, off, bytes, access, value);
	case REG_MAP_VALUE:
		return value_access(v, r, off, bytes, access, value);
	case REG_MAP_KEY:
		if (access & ACCESS_WRITE)
			return refuse_reg(v, DIAG_V033, r, "a map key is read-only");
		if ((e = check_region(v, DIAG_V013, r, off, bytes, v->u->map[p->map].key_size)) < 0)
			return e;
		break;
	case REG_PACKET:
	case REG_PACKET_META:
		return packet_access(v, r, off, bytes, access, value);
	case REG_MEM:
		if (access & ACCESS_WRITE && p->read_only)
			return refuse_reg(v, DIAG_V033, r, "this memory is read-only");
		if ((e = check_region(v, DIAG_V013, r, off, bytes, p->size)) < 0)
			return e;
		break;
	case REG_ARENA:		/* looked at when it runs */
		break;
	case REG_MAP:
		if ((e = map_field(v, r, off, bytes, access)) < 0)
			return e;
		break;
	case REG_ANYWHERE:
		return anywhere_access(v, r, off, bytes, access, value);
	default:
		return refuse_reg(v, DIAG_V014, r, "r%u is %s, not a pointer to memory", r, reg_text(v, p));
	}
	if (value && access & ACCESS_READ)
		reg_set_scalar(v, value, scalar_of_size(bytes * 8, false), 0);
	return 0;
}

int check_mem_helper(struct vfy *v, unsigned r, uint64_t bytes, unsigned access)
{
	const struct reg *p = reg_of(v, r);
	bool write = access & ACCESS_WRITE;

	if (p->or_null)
		return refuse_reg(v, DIAG_V015, r, "r%u may be NULL here; compare it with 0 first", r);
	switch ((enum reg_type)p->type) {
	case REG_STACK:
		return stack_access(v, r, 0, bytes, access | ACCESS_HELPER, NULL);
	case REG_MAP_VALUE:
		return value_access(v, r, 0, bytes, access, NULL);
	case REG_MAP_KEY:
		if (write)
			return refuse_reg(v, DIAG_V033, r, "a map key is read-only");
		return check_region(v, DIAG_V013, r, 0, bytes, v->u->map[p->map].key_size);
	case REG_PACKET:
	case REG_PACKET_META:
		return packet_access(v, r, 0, bytes, access, NULL);
	default:
		if (write && p->read_only)
			return refuse_reg(v, DIAG_V033, r, "this memory is read-only");
		return check_region(v, DIAG_V013, r, 0, bytes, p->size);
	}
}

int check_mem_shared(struct vfy *v, unsigned r, uint32_t bytes)
{
	struct reg *p = reg_of(v, r), copy = *p;
	int e;

	p->or_null = false;	/* the function looks for itself */
	if ((e = check_mem_helper(v, r, bytes, ACCESS_READ)) >= 0)
		e = check_mem_helper(v, r, bytes, ACCESS_WRITE);
	*p = copy;
	return e;
}

/* ---- instructions ---- */

int step_load(struct vfy *v, const struct bpfi *in)
{
	unsigned bytes = size_of(in);
	struct reg value;
	int r;

	if ((r = check_read(v, in->src)) < 0 || (r = check_write(v, in->dst)) < 0 ||
	    (r = check_mem(v, in->src, in->off, bytes, ACCESS_READ, &value)) < 0)
		return r;
	if (BPFI_MODE(in->code) == BPFI_MEMSX) {
		if (value.type != REG_SCALAR)
			return refuse(v, DIAG_V009, "a pointer is read with sign extension");
		value.id = 0, value.delta = 0;
		scalar_sext(&value.var, bytes * 8, true);
	}
	*reg_of(v, in->dst) = value;
	return 0;
}

int step_store(struct vfy *v, const struct bpfi *in)
{
	struct reg value = { .type = REG_SCALAR };
	int r;

	if ((r = check_read(v, in->dst)) < 0)
		return r;
	if (BPFI_CLASS(in->code) == BPFI_STX) {
		if ((r = check_read(v, in->src)) < 0)
			return r;
		if (reg_of(v, in->dst)->type == REG_STACK &&
		    reg_of(v, in->src)->var.w.umax <= low_mask(size_of(in) * 8))
			link_scalar(v, reg_of(v, in->src));
		value = *reg_of(v, in->src);
	} else {
		value.var = scalar_const((uint64_t)(int64_t)in->imm);
		value.def = def_new(v, 0, 0);
	}
	if (reg_of(v, in->dst)->type != REG_STACK)
		fact_number(v, &value);
	return check_mem(v, in->dst, in->off, size_of(in), ACCESS_WRITE, &value);
}

static int load_acquire(struct vfy *v, const struct bpfi *in)
{
	struct reg value;
	int r;

	if ((r = check_read(v, in->src)) < 0 || (r = check_write(v, in->dst)) < 0 ||
	    (r = check_mem(v, in->src, in->off, size_of(in), ACCESS_READ | ACCESS_ATOMIC, &value)) < 0)
		return r;
	*reg_of(v, in->dst) = value;
	return 0;
}

static int store_release(struct vfy *v, const struct bpfi *in)
{
	struct reg value;
	int r;

	if ((r = check_read(v, in->dst)) < 0 || (r = check_read(v, in->src)) < 0)
		return r;
	value = *reg_of(v, in->src);
	fact_number(v, &value);
	return check_mem(v, in->dst, in->off, size_of(in), ACCESS_WRITE | ACCESS_ATOMIC, &value);
}

static bool atomic_known(int32_t imm)
{
	switch (imm & ~BPFI_FETCH) {
	case BPFI_ATOMIC_ADD:
	case BPFI_ATOMIC_OR:
	case BPFI_ATOMIC_AND:
	case BPFI_ATOMIC_XOR:
		return true;
	}
	return imm == BPFI_ATOMIC_XCHG || imm == BPFI_ATOMIC_CMPXCHG;
}

int step_atomic(struct vfy *v, const struct bpfi *in)
{
	struct reg old, *to;
	unsigned bytes = size_of(in);
	int r;

	if (in->imm == BPFI_ATOMIC_LOAD)
		return load_acquire(v, in);
	if (in->imm == BPFI_ATOMIC_STORE)
		return store_release(v, in);
	if (!atomic_known(in->imm))
		return refuse(v, DIAG_V032, "unknown atomic operation %#x", (unsigned)in->imm);
	if (bytes < 4)
		return refuse(v, DIAG_V032, "atomic operations have 4 or 8 bytes, not %u", bytes);
	if ((r = check_read(v, in->src)) < 0 || (r = check_read(v, in->dst)) < 0)
		return r;
	if (in->imm == BPFI_ATOMIC_CMPXCHG && (r = check_read(v, 0)) < 0)
		return r;
	if (in->imm & BPFI_FETCH && in->imm != BPFI_ATOMIC_CMPXCHG && (r = check_write(v, in->src)) < 0)
		return r;
	if (in->imm & BPFI_FETCH && in->dst == (in->imm == BPFI_ATOMIC_CMPXCHG ? 0 : in->src))
		return refuse(v, DIAG_V032, "the fetched value overwrites the address in r%u", in->dst);
	fact_number(v, reg_of(v, in->src));
	if (in->imm == BPFI_ATOMIC_CMPXCHG)
		fact_number(v, reg_of(v, 0));
	v->out->by_chance |= is_pointer(reg_of(v, 0));
	if ((r = check_mem(v, in->dst, in->off, bytes, ACCESS_READ | ACCESS_ATOMIC, &old)) < 0 ||
	    (r = check_mem(v, in->dst, in->off, bytes, ACCESS_WRITE | ACCESS_ATOMIC, NULL)) < 0)
		return r;
	if (!(in->imm & BPFI_FETCH))
		return 0;
	to = reg_of(v, in->imm == BPFI_ATOMIC_CMPXCHG ? 0 : in->src);
	*to = old;	/* a spilled pointer too: only this program's stack holds one */
	return 0;
}

int step_ld_imm64(struct vfy *v, const struct bpfi *in)
{
	uint64_t imm = (uint64_t)(uint32_t)in[1].imm << 32 | (uint32_t)in->imm;
	struct reg *d;
	int r;

	if ((r = check_write(v, in->dst)) < 0)
		return r;
	d = reg_of(v, in->dst);
	switch (in->src) {
	case BPFI_LD_MAP:
		reg_set_pointer(v, d, REG_MAP);
		d->map = (uint32_t)in->imm;
		fact_map(v, in->imm);
		break;
	case BPFI_LD_MAP_VALUE:
		if (v->u->map[in->imm].type == MAP_TYPE_arena) {	/* as a process would know it */
			reg_set_unknown(v, d);
			break;
		}
		reg_set_pointer(v, d, REG_MAP_VALUE);
		d->map = (uint32_t)in->imm;
		d->off = in[1].imm;
		fact_map(v, in->imm);
		break;
	case BPFI_LD_FUNC:
		reg_set_pointer(v, d, REG_FUNC);
		d->sub = (uint32_t)sub_at(v, v->cur->pc + 1 + (uint32_t)in->imm);
		break;
	default:
		reg_set_scalar(v, d, scalar_const(imm), 0);
	}
	v->next++;
	return 0;
}

/* The old way to read a packet: big endian, and the program ends when it is too short. */
int step_ld_packet(struct vfy *v, const struct bpfi *in)
{
	const struct reg *ctx;
	int r;

	if (v->p->type != PROG_SOCKET_FILTER)
		return refuse(v, DIAG_V012, "ld_abs and ld_ind are not for %s programs",
			      prog_type_name(v->p->type));
	if (v->cur->top)
		return refuse(v, DIAG_V012, "ld_abs and ld_ind end the program on short packets; "
			      "not in functions");
	if (v->cur->n_ref)
		return refuse(v, DIAG_V022, "ld_abs may end the program while a record is held");
	if ((r = check_unlocked(v, "ld_abs may end the program")) < 0 || (r = check_read(v, 6)) < 0 ||
	    (BPFI_MODE(in->code) == BPFI_IND && (r = check_read(v, in->src)) < 0))
		return r;
	ctx = reg_of(v, 6);
	if (ctx->type != REG_CTX || ctx->off || !scalar_is(&ctx->var, 0))
		return refuse_reg(v, DIAG_V009, 6, "r6 must be the context");
	for (unsigned i = 0; i <= 5; i++)
		reg_of(v, i)->type = REG_NONE;
	reg_set_unknown(v, reg_of(v, 0));
	return 0;
}
