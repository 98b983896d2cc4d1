/* SPDX-License-Identifier: MIT
 *
 * helper_args.c - arguments of helpers, by the kinds of abi/helpers.h. */
#include "vfy_call.h"

#include <inttypes.h>

#include "btf_walk.h"
#include "objfmt.h"

enum { MAX_SIZE = 1 << 29 };

/* ---- maps ---- */

/* Does this helper work on maps of that kind? */
static bool map_fits(int32_t id, uint32_t type)
{
	switch (id) {
	case CALL_KFUNC:	/* it sees what it got when it runs */
		return true;
	case HELPER_tail_call:
		return type == MT_PROG_ARRAY;
	case HELPER_ringbuf_output:
	case HELPER_ringbuf_reserve:
	case HELPER_ringbuf_reserve_dynptr:
	case HELPER_ringbuf_query:
		return type == MT_RINGBUF;
	case HELPER_perf_event_output:
	case HELPER_perf_event_read_value:
		return type == MT_PERF_EVENT_ARRAY;
	case HELPER_user_ringbuf_drain:
		return type == MT_USER_RINGBUF;
	case HELPER_get_stackid:
		return type == MT_STACK_TRACE;
	case HELPER_current_task_under_cgroup:
		return type == MT_CGROUP_ARRAY;
	case HELPER_task_storage_get:
	case HELPER_task_storage_delete:
		return type == MT_TASK_STORAGE;
	case HELPER_timer_init:
		return type == MT_HASH || type == MT_LRU_HASH || type == MT_ARRAY;
	case HELPER_map_push_elem:
	case HELPER_map_peek_elem:
		return type == MT_QUEUE || type == MT_STACK || type == MT_BLOOM_FILTER;
	case HELPER_map_pop_elem:
		return type == MT_QUEUE || type == MT_STACK;
	case HELPER_map_lookup_percpu_elem:
		return type == MT_PERCPU_ARRAY || type == MT_PERCPU_HASH ||
		       type == MT_LRU_PERCPU_HASH;
	case HELPER_for_each_map_elem:
		return type == MT_HASH || type == MT_ARRAY || type == MT_PERCPU_HASH ||
		       type == MT_PERCPU_ARRAY || type == MT_LRU_HASH || type == MT_LRU_PERCPU_HASH;
	case HELPER_map_lookup_elem:
		if (type == MT_ARRAY_OF_MAPS || type == MT_HASH_OF_MAPS)
			return true;
		break;
	}
	return (type >= MT_HASH && type <= MT_ARRAY) || type == MT_PERCPU_HASH ||
	       type == MT_PERCPU_ARRAY || (type >= MT_LRU_HASH && type <= MT_LPM_TRIE);
}

static bool writes_map(int32_t id)
{
	return id == HELPER_map_update_elem || id == HELPER_map_delete_elem ||
	       id == HELPER_map_push_elem || id == HELPER_map_pop_elem;
}

static int arg_map(struct vfy *v, struct call *c, unsigned r)
{
	const struct reg *p = reg_of(v, r);
	const struct unit_map *m;

	if (p->type != REG_MAP || p->or_null)
		return refuse_reg(v, DIAG_V019, r, "r%u of bpf_%s must be a map", r, c->h->name);
	m = &v->u->map[p->map];
	if (!map_fits(c->id, m->type))
		return refuse_reg(v, DIAG_V021, r, "bpf_%s does not work on %s, a map of kind %s",
				  c->h->name, m->name,
				  map_row(m->type) ? map_row(m->type)->name : "unknown");
	if (m->flags & MAP_F_RDONLY_PROG && writes_map(c->id))
		return refuse_reg(v, DIAG_V033, r, "%s is read-only", m->name);
	if ((m->type == MT_ARRAY_OF_MAPS || m->type == MT_HASH_OF_MAPS) &&
	    (m->inner < 0 || (size_t)m->inner >= v->u->n_map))
		return refuse_reg(v, DIAG_V021, r, "%s does not say what its maps are like", m->name);
	c->map = (int32_t)p->map;
	c->inner = p->inner;
	fact_map(v, p->inner ? -1 : (int32_t)p->map);
	fact_inner(v, p->inner ? (int32_t)p->map : -1);
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

/* Register r - 1 is NULL or points at memory of the constant size in r that the function may
 * read and write. */
static int arg_buffer(struct vfy *v, struct call *c, unsigned r)
{
	const struct reg *p = reg_of(v, r - 1);
	int e;

	if (p->type == REG_SCALAR && scalar_is(&p->var, 0)) {
		mark_precise(v, p->def);
		return 0;
	}
	if ((e = arg_size(v, c, r, true, ACCESS_READ)) < 0)
		return e;
	return arg_size(v, c, r, true, ACCESS_WRITE);
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
	else if (kind == ARG_CTX_RET)
		fact_ctx_field(v, CTX_AX);
	else if (kind == ARG_CTX_ARGS)
		v->out->ctx_mask |= v->p->type == PROG_KPROBE ? CTX_MASK_NATURAL : 0;
	else if (kind == ARG_CTX) {	/* a stack begins where the function does, or elsewhere */
		v->out->ctx_escapes = true;
		fact_ctx_field(v, CTX_FUNC_IP);
	}
	return 0;
}

static int arg_record(struct vfy *v, struct call *c, unsigned r)
{
	const struct reg *p = reg_of(v, r);

	if (p->type != REG_MEM || !p->ref || p->or_null || p->read_only || p->dynptr)
		return refuse_reg(v, DIAG_V019, r, "r%u of bpf_%s must be a record from bpf_ringbuf_reserve",
				  r, c->h->name);
	if (p->off || !scalar_is(&p->var, 0))
		return refuse_reg(v, DIAG_V023, r, "r%u of bpf_%s must be the record's start", r,
				  c->h->name);
	c->release = p->ref;
	return 0;
}

/* A string that the program cannot change: constant global data, up to its NUL. */
static int arg_string(struct vfy *v, struct call *c, unsigned r)
{
	const struct reg *p = reg_of(v, r);
	const struct unit_map *m = p->type == REG_MAP_VALUE ? &v->u->map[p->map] : NULL;
	int64_t at = (int64_t)p->off + (int64_t)p->var.bits.value;

	if (!m || p->or_null || !(m->bits & MAP_BIT_RODATA) || m->max_entries != 1)
		return refuse_reg(v, DIAG_V019, r, "r%u of bpf_%s must be a string in constant data", r,
				  c->h->name);
	if (!scalar_is_const(&p->var) || at < 0 || !bytes_str(m->init, (uint64_t)at))
		return refuse_reg(v, DIAG_V019, r, "no string that ends within %s", m->name);
	return 0;
}

static int arg_function(struct vfy *v, struct call *c, unsigned r)
{
	const struct reg *p = reg_of(v, r);

	if (p->type != REG_FUNC)
		return refuse_reg(v, DIAG_V019, r, "r%u of bpf_%s must be a function of the program", r,
				  c->h->name);
	c->func = p->sub;
	fact_func(v, p->sub);
	return 0;
}

static int arg_function_ctx(struct vfy *v, struct call *c, unsigned r)
{
	const struct reg *p = reg_of(v, r);

	if (p->type == REG_STACK || (p->type == REG_SCALAR && scalar_is(&p->var, 0)))
		return 0;
	return refuse_reg(v, DIAG_V019, r, "r%u of bpf_%s must point to the stack or be 0", r,
			  c->h->name);
}

static int arg_long(struct vfy *v, struct call *c, unsigned r)
{
	const struct reg *p = reg_of(v, r);
	struct tnum t = tnum_add(p->var.bits, tnum_const((uint64_t)(int64_t)p->off));

	if (is_pointer(p) && (t.value | t.mask) & 7)
		return refuse_reg(v, DIAG_V019, r, "r%u of bpf_%s must be aligned to 8 bytes", r,
				  c->h->name);
	return arg_memory(v, c, r, 8, ACCESS_WRITE, false);
}

/* A task: there is one that can be named. */
static int arg_task(struct vfy *v, struct call *c, unsigned r)
{
	const struct reg *p = reg_of(v, r);

	if (p->type != REG_SCALAR || (!scalar_is(&p->var, 0) && !scalar_is(&p->var, HELPER_TASK)))
		return refuse_reg(v, DIAG_V019, r, "r%u of bpf_%s must be the running task, from "
				  "bpf_get_current_task_btf; other tasks are the kernel's", r, c->h->name);
	mark_precise(v, p->def);
	return 0;
}

/* A type: void, or a structure of the BTF that the program is relocated against. */
static int arg_type(struct vfy *v, struct call *c, unsigned r)
{
	const struct reg *p = reg_of(v, r);

	if (p->type != REG_SCALAR || !scalar_is_const(&p->var))
		return refuse_reg(v, DIAG_V019, r, "r%u of bpf_%s must be a constant, the id of a type", r, c->h->name);
	mark_precise(v, p->def);
	c->type = (uint32_t)p->var.bits.value;
	if (!c->type)
		return 0;
	if (!v->u->target_btf)
		return refuse_reg(v, DIAG_V028, r, "bpf_%s: %u is a type of no BTF that is known here; name a structure with "
				  "bpf_core_type_id_kernel()", c->h->name, c->type);
	if (!btf_walk_is_struct(v->u->target_btf, c->type))
		return refuse_reg(v, DIAG_V019, r, "bpf_%s: type %u is neither a structure nor void", c->h->name, c->type);
	return 0;
}

static int arg_value_or_null(struct vfy *v, struct call *c, unsigned r, uint32_t bytes)
{
	const struct reg *p = reg_of(v, r);

	if (p->type != REG_SCALAR || !scalar_is(&p->var, 0))
		return arg_memory(v, c, r, bytes, ACCESS_READ, true);
	mark_precise(v, p->def);
	return 0;
}

static bool is_written(enum helper_arg kind)
{
	return kind == ARG_MEM_UNINIT || kind == ARG_MEM_UNINIT_OR_NULL || kind == ARG_VALUE_MEM;
}

static int arg_sized(struct vfy *v, struct call *c, unsigned r, bool zero_allowed)
{
	enum helper_arg mem = (enum helper_arg)c->h->arg[r - 2];
	const struct reg *p = reg_of(v, r - 1), *n = reg_of(v, r);

	if ((mem == ARG_MEM_OR_NULL || mem == ARG_MEM_UNINIT_OR_NULL) && p->type == REG_SCALAR &&
	    scalar_is(&p->var, 0) && n->type == REG_SCALAR && scalar_is(&n->var, 0)) {
		mark_precise(v, p->def);
		mark_precise(v, n->def);
		c->size_max = 0;
		return 0;
	}
	if (mem == ARG_VALUE_MEM && p->type != REG_MAP_VALUE)	/* what the dynptr outlives does not do */
		return refuse_reg(v, DIAG_V019, r - 1, "r%u of bpf_%s must point into a value of a map", r - 1,
				  c->h->name);
	return arg_size(v, c, r, zero_allowed, is_written(mem) ? ACCESS_WRITE : ACCESS_READ);
}

int check_arg(struct vfy *v, struct call *c, unsigned r, enum helper_arg kind)
{
	const struct unit_map *m = c->map >= 0 ? &v->u->map[c->map] : NULL;
	int e;

	switch (kind) {
	case ARG_NONE:
	case ARG_MEM:		/* with the size behind it */
	case ARG_MEM_UNINIT:
	case ARG_MEM_OR_NULL:
	case ARG_MEM_UNINIT_OR_NULL:
	case ARG_VALUE_MEM:
	case ARG_BUFFER_OR_NULL:
		return 0;
	case ARG_ANY:
	case ARG_UNCHECKED:
		fact_address(v, reg_of(v, r));
		if (c->h->ret == RET_ANYWHERE)
			fact_number(v, reg_of(v, r));	/* it comes back */
		return 0;
	case ARG_MAP:
		return arg_map(v, c, r);
	case ARG_MAP_KEY:
		return arg_memory(v, c, r, m ? m->key_size : 0, ACCESS_READ, true);
	case ARG_MAP_VALUE:
		return arg_memory(v, c, r, m ? m->value_size : 0, ACCESS_READ, true);
	case ARG_MAP_VALUE_OR_NULL:
		return arg_value_or_null(v, c, r, m ? m->value_size : 0);
	case ARG_TIMER:
		return arg_timer(v, c, r);
	case ARG_TASK:
		return arg_task(v, c, r);
	case ARG_TYPE:
		return arg_type(v, c, r);
	case ARG_MAP_VALUE_UNINIT:
		return arg_memory(v, c, r, m ? m->value_size : 0, ACCESS_WRITE, false);
	case ARG_SIZE:
	case ARG_SIZE0:
		return arg_sized(v, c, r, kind == ARG_SIZE0);
	case ARG_CONST_SIZE:
		if (c->h->arg[r - 2] == ARG_BUFFER_OR_NULL && (e = arg_buffer(v, c, r)) < 0)
			return e;
		return arg_const(v, c, r);
	case ARG_CTX:
	case ARG_CTX_NONE:
	case ARG_CTX_OUT:
	case ARG_CTX_ARGS:
	case ARG_CTX_RET:
	case ARG_CTX_COOKIE:
	case ARG_CTX_FUNC_IP:
		return arg_ctx(v, c, r, kind);
	case ARG_RINGBUF_MEM:
		return arg_record(v, c, r);
	case ARG_LONG_UNINIT:
		return arg_long(v, c, r);
	case ARG_CONST_STR:
		return arg_string(v, c, r);
	case ARG_FUNC:
		return arg_function(v, c, r);
	case ARG_FUNC_CTX:
		return arg_function_ctx(v, c, r);
	case ARG_SPIN_LOCK:
		return spin_lock(v, r, c->id == HELPER_spin_lock);
	case ARG_SCALAR:
		if (reg_of(v, r)->type == REG_SCALAR)
			return 0;
		return refuse_reg(v, DIAG_V019, r, "r%u of %s%s must be a number", r, c->id < 0 ? "" : "bpf_",
				  c->h->name);
	case ARG_DYNPTR:
	case ARG_DYNPTR_NEW:
	case ARG_DYNPTR_NEW_RECORD:
	case ARG_DYNPTR_NEW_CLONE:
	case ARG_DYNPTR_RECORD:
		return arg_dynptr(v, c, r, kind);
	case ARG_ITER_NUM:	/* iter.c */
	case ARG_ITER_BITS:
		break;
	}
	return refuse(v, DIAG_I001, "kind of argument %d", (int)kind);
}
