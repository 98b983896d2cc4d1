/* SPDX-License-Identifier: MIT
 *
 * helper.c - calls of helpers, checked by their prototypes (abi/helpers.def). */
#include "vfy.h"

#include <inttypes.h>

enum { MAX_SIZE = 1 << 29, MAX_ERRNO = 4095, MAX_CPUS = 8192 };

/* What the arguments say together. */
struct call {
	const struct helper_proto *h;
	int32_t    id;
	int32_t    map;		/* index, -1: none */
	const struct reg *key;	/* of the map, as it was at the call */
	uint64_t   size_max;	/* of the last SIZE argument */
	uint64_t   record;	/* CONST_SIZE */
	uint32_t   release;	/* reference that ends */
};

/* ---- maps ---- */

/* Kinds of map that verifying knows, whether or not the runtime has them. */
enum {
	MT_PROG_ARRAY = 3, MT_PERF_EVENT_ARRAY = 4, MT_PERCPU_ARRAY = 6, MT_STACK_TRACE = 7,
	MT_CGROUP_ARRAY = 8, MT_ARRAY_OF_MAPS = 12, MT_HASH_OF_MAPS = 13, MT_QUEUE = 22,
	MT_STACK = 23, MT_RINGBUF = 27,
};

/* The kind of map that only this helper takes; 0: any that is not special. */
static uint32_t map_wanted(int32_t id)
{
	switch (id) {
	case HELPER_tail_call:
		return MT_PROG_ARRAY;
	case HELPER_ringbuf_output:
	case HELPER_ringbuf_reserve:
	case HELPER_ringbuf_query:
		return MT_RINGBUF;
	default:
		return 0;
	}
}

static bool map_special(uint32_t type)
{
	switch (type) {
	case MT_PROG_ARRAY:
	case MT_PERF_EVENT_ARRAY:
	case MT_STACK_TRACE:
	case MT_CGROUP_ARRAY:
	case MT_QUEUE:
	case MT_STACK:
	case MT_RINGBUF:
		return true;
	default:
		return type > MT_STACK;
	}
}

static int arg_map(struct vfy *v, struct call *c, unsigned r)
{
	const struct reg *p = reg_of(v, r);
	const struct unit_map *m;
	uint32_t want = map_wanted(c->id);

	if (p->type != REG_MAP || p->or_null)
		return refuse_reg(v, DIAG_V019, r, "r%u of bpf_%s must be a map", r, c->h->name);
	m = &v->u->map[p->map];
	if (want ? m->type != want : map_special(m->type))
		return refuse_reg(v, DIAG_V021, r, "bpf_%s does not work on %s, a map of kind %s",
				  c->h->name, m->name,
				  map_row(m->type) ? map_row(m->type)->name : "unknown");
	if (m->flags & MAP_F_RDONLY_PROG &&
	    (c->id == HELPER_map_update_elem || c->id == HELPER_map_delete_elem))
		return refuse_reg(v, DIAG_V033, r, "%s is read-only", m->name);
	c->map = (int32_t)p->map;
	fact_map(v, p->map);
	return 0;
}

/* ---- memory ---- */

/* `bytes` bytes at register r, read or written by the helper. */
static int arg_memory(struct vfy *v, struct call *c, unsigned r, uint64_t bytes, unsigned access,
		      bool packet_allowed)
{
	const struct reg *p = reg_of(v, r);

	switch ((enum reg_type)p->type) {
	case REG_STACK:
	case REG_MAP_VALUE:
	case REG_MAP_KEY:
	case REG_MEM:
		break;
	case REG_PACKET:
	case REG_PACKET_META:
		if (packet_allowed)
			break;
		return refuse_reg(v, DIAG_V019, r, "bpf_%s cannot work on the packet", c->h->name);
	default:
		return refuse_reg(v, DIAG_V019, r, "r%u of bpf_%s must point to memory, but it is %s", r,
				  c->h->name, reg_text(v, p));
	}
	return check_mem_helper(v, r, bytes, access);
}

static bool takes_packet(int32_t id)
{
	return id == HELPER_map_lookup_elem || id == HELPER_map_update_elem ||
	       id == HELPER_map_delete_elem;
}

/* Register r - 1 points at memory of as many bytes as r says. */
static int arg_size(struct vfy *v, struct call *c, unsigned r, bool zero_allowed, unsigned access)
{
	const struct reg *n = reg_of(v, r);
	int e;

	if (n->type != REG_SCALAR)
		return refuse_reg(v, DIAG_V019, r, "r%u of bpf_%s must be a size", r, c->h->name);
	if (n->var.w.smin < 0)
		return refuse_reg(v, DIAG_V020, r, "the size in r%u may be negative; "
				  "use an unsigned number or 'and' it with a constant", r);
	if (!n->var.w.umin && !zero_allowed)
		return refuse_reg(v, DIAG_V020, r, "the size in r%u may be 0", r);
	if (n->var.w.umax >= MAX_SIZE)
		return refuse_reg(v, DIAG_V020, r, "the size in r%u has no upper bound", r);
	c->size_max = n->var.w.umax;
	e = arg_memory(v, c, r - 1, n->var.w.umax, access, takes_packet(c->id));
	if (e >= 0)
		mark_precise(v, n->def);
	return e;
}

static int arg_const(struct vfy *v, struct call *c, unsigned r)
{
	const struct reg *n = reg_of(v, r);

	if (n->type != REG_SCALAR || !scalar_is_const(&n->var))
		return refuse_reg(v, DIAG_V020, r, "the size in r%u must be a constant", r);
	c->record = n->var.bits.value;
	mark_precise(v, n->def);
	return 0;
}

/* ---- the rest ---- */

static int arg_ctx(struct vfy *v, struct call *c, unsigned r, enum helper_arg kind)
{
	const struct reg *p = reg_of(v, r);

	if (p->type != REG_CTX || p->off || !scalar_is(&p->var, 0))
		return refuse_reg(v, DIAG_V019, r, "r%u of bpf_%s must be the context as the program got it",
				  r, c->h->name);
	if (kind == ARG_CTX_COOKIE)
		fact_ctx_field(v, CTX_COOKIE);
	else if (kind == ARG_CTX_FUNC_IP)
		fact_ctx_field(v, CTX_FUNC_IP);
	else
		v->out->ctx_escapes = true;
	return 0;
}

static int arg_record(struct vfy *v, struct call *c, unsigned r)
{
	const struct reg *p = reg_of(v, r);

	if (p->type != REG_MEM || !p->ref || p->or_null)
		return refuse_reg(v, DIAG_V019, r, "r%u of bpf_%s must be a record from bpf_ringbuf_reserve",
				  r, c->h->name);
	if (p->off || !scalar_is(&p->var, 0))
		return refuse_reg(v, DIAG_V023, r, "r%u of bpf_%s must be the record's start", r,
				  c->h->name);
	c->release = p->ref;
	return 0;
}

static int check_arg(struct vfy *v, struct call *c, unsigned r, enum helper_arg kind)
{
	const struct unit_map *m = c->map >= 0 ? &v->u->map[c->map] : NULL;

	switch (kind) {
	case ARG_NONE:
	case ARG_ANY:
		if (kind == ARG_ANY)
			fact_address(v, reg_of(v, r));
		return 0;
	case ARG_MAP:
		return arg_map(v, c, r);
	case ARG_MAP_KEY:
		return m ? arg_memory(v, c, r, m->key_size, ACCESS_READ, true) : -DIAG_I001;
	case ARG_MAP_VALUE:
		return m ? arg_memory(v, c, r, m->value_size, ACCESS_READ, true) : -DIAG_I001;
	case ARG_MEM:
	case ARG_MEM_UNINIT:
		return 0;	/* with the size behind it */
	case ARG_SIZE:
	case ARG_SIZE0:
		return arg_size(v, c, r, kind == ARG_SIZE0,
				c->h->arg[r - 2] == ARG_MEM_UNINIT ? ACCESS_WRITE : ACCESS_READ);
	case ARG_CONST_SIZE:
		return arg_const(v, c, r);
	case ARG_CTX:
	case ARG_CTX_COOKIE:
	case ARG_CTX_FUNC_IP:
		return arg_ctx(v, c, r, kind);
	case ARG_RINGBUF_MEM:
		return arg_record(v, c, r);
	}
	return refuse(v, DIAG_I001, "kind of argument %d", kind);
}

/* ---- the result ---- */

static void forget(struct reg *r, void *arg)
{
	const struct call *c = arg;

	if (r->ref != c->release)
		return;
	*r = (struct reg){ .type = REG_SCALAR, .var = scalar_unknown() };
}

/* The key of an array lookup, when it is one number below max_entries: then the value is
 * there. */
static bool key_in_range(struct vfy *v, const struct call *c, const struct reg *key)
{
	const struct unit_map *m = &v->u->map[c->map];
	uint64_t k;

	return (m->type == MAP_TYPE_array || m->type == MAP_TYPE_percpu_array) &&
	       m->key_size == 4 && key->type == REG_STACK &&
	       stack_const(v, key, 4, &k) && k < m->max_entries;
}

static void set_result(struct vfy *v, struct call *c, bool not_null)
{
	struct reg *r0 = reg_of(v, 0);

	switch ((enum helper_ret)c->h->ret) {
	case RET_VOID:
		r0->type = REG_NONE;
		return;
	case RET_INT:
		reg_set_unknown(v, r0);
		if (c->id == HELPER_get_smp_processor_id) {
			r0->var.w.umax = MAX_CPUS - 1;
		} else if (c->id == HELPER_probe_read_str || c->id == HELPER_probe_read_user_str ||
			   c->id == HELPER_probe_read_kernel_str) {
			r0->var.w.smin = r0->var.h.smin = -MAX_ERRNO;
			r0->var.w.smax = r0->var.h.smax = (int64_t)c->size_max;
		}
		scalar_sync(&r0->var);
		return;
	case RET_MAP_VALUE_OR_NULL:
		reg_set_pointer(v, r0, REG_MAP_VALUE);
		r0->map = (uint32_t)c->map;
		r0->or_null = !not_null;
		r0->id = not_null ? 0 : ++v->next_id;
		return;
	case RET_RINGBUF_MEM_OR_NULL:
		reg_set_pointer(v, r0, REG_MEM);
		r0->size = c->record > UINT32_MAX ? 0 : (uint32_t)c->record;
		r0->or_null = true;
		r0->id = r0->ref = ref_acquire(v);
		return;
	}
}

static int lookup_proto(struct vfy *v, const struct bpfi *in, struct call *c)
{
	c->h = helper_proto(in->imm);
	if (in->imm == BPFI_POISON_HELPER)
		return refuse(v, DIAG_V035, "the type, field or enumerator is not in the target's BTF");
	if (!c->h)
		return refuse(v, DIAG_V003, "#%d", in->imm);
	if (c->h->refused)
		return refuse(v, DIAG_V028, "bpf_%s: %s", c->h->name, c->h->refused);
	if (!(c->h->progs & 1u << v->p->type))
		return refuse(v, DIAG_V018, "bpf_%s is not for %s programs", c->h->name,
			      prog_type_name(v->p->type));
	return 0;
}

int step_helper(struct vfy *v, const struct bpfi *in)
{
	struct call c = { .id = in->imm, .map = -1 };
	struct reg key;
	bool not_null;
	int e;

	if ((e = lookup_proto(v, in, &c)) < 0)
		return e;
	for (unsigned i = 0; i < 5 && c.h->arg[i] != ARG_NONE; i++)
		if ((e = check_read(v, i + 1)) < 0 ||
		    (e = check_arg(v, &c, i + 1, (enum helper_arg)c.h->arg[i])) < 0)
			return e;
	key = *reg_of(v, 2);
	not_null = in->imm == HELPER_map_lookup_elem && key_in_range(v, &c, &key);
	if (c.release) {
		ref_drop(v->cur, c.release);
		each_reg(v->cur, forget, &c);
	}
	for (unsigned r = 0; r <= 5; r++)
		reg_of(v, r)->type = REG_NONE;
	if (in->imm == HELPER_tail_call)
		fact_map(v, (uint32_t)c.map);
	if (c.h->ret == RET_RINGBUF_MEM_OR_NULL && v->cur->n_ref == MAX_REFS)
		return refuse(v, DIAG_V025, "more than %d records at a time", MAX_REFS);
	set_result(v, &c, not_null);
	return 0;
}
