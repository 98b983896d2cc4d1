/* SPDX-License-Identifier: MIT
 *
 * signature.c - what the BTF of a global function says about its arguments.
 *
 * A global function is verified once, for whatever its types admit, and calls of it only
 * against its types.  Source: the kernel's rules for global functions (docs: "BPF
 * subprograms"; btf_decl_tag arg:ctx, arg:nonnull, arg:arena). */
#include "vfy.h"

#include <bpf/btf.h>
#include <string.h>

/* clang-14's and the running system's headers may be older than these. */
enum { KIND_INT = 1, KIND_PTR = 2, KIND_STRUCT = 4, KIND_UNION = 5, KIND_ENUM = 6,
       KIND_TYPEDEF = 8, KIND_FUNC = 12, KIND_FUNC_PROTO = 13, KIND_DECL_TAG = 17,
       KIND_ENUM64 = 19, MAX_DEPTH = 32 };

static const struct btf_type *type_of(const struct vfy *v, uint32_t id)
{
	return v->u->btf ? btf__type_by_id(v->u->btf, id) : NULL;
}

static const char *name_of(const struct vfy *v, const struct btf_type *t)
{
	const char *s = btf__name_by_offset(v->u->btf, t->name_off);

	return s ? s : "";
}

/* Without const, volatile, restrict, type tags and, if asked, typedefs. */
static const struct btf_type *strip(const struct vfy *v, uint32_t *id, bool typedefs)
{
	const struct btf_type *t = type_of(v, *id);

	for (int i = 0; t && i < MAX_DEPTH; i++) {
		bool through = btf_is_mod(t) || btf_is_type_tag(t) ||
			       (typedefs && btf_kind(t) == KIND_TYPEDEF);

		if (!through)
			return t;
		*id = t->type;
		t = type_of(v, *id);
	}
	return NULL;
}

static bool is_number(const struct btf_type *t)
{
	unsigned k = t ? btf_kind(t) : 0;

	return k == KIND_INT || k == KIND_ENUM || k == KIND_ENUM64;
}

static bool is_context(const struct vfy *v, uint32_t pointee)
{
	static const char *const names[PROG_TYPE_COUNT] = {
		[PROG_KPROBE] = "pt_regs", [PROG_XDP] = "xdp_md",
		[PROG_SOCKET_FILTER] = "__sk_buff", [PROG_PERF_EVENT] = "bpf_perf_event_data",
		[PROG_RAW_TRACEPOINT] = "bpf_raw_tracepoint_args",
	};
	const char *want = names[v->p->type];
	const struct btf_type *t = strip(v, &pointee, false);

	for (int i = 0; t && btf_kind(t) == KIND_TYPEDEF && i < MAX_DEPTH; i++) {
		if (v->p->type == PROG_KPROBE && !strcmp(name_of(v, t), "bpf_user_pt_regs_t"))
			return true;
		pointee = t->type;
		t = strip(v, &pointee, false);
	}
	return t && btf_kind(t) == KIND_STRUCT && want && !strcmp(name_of(v, t), want);
}

static bool is_dynptr_type(const struct vfy *v, uint32_t pointee)
{
	const struct btf_type *t = strip(v, &pointee, true);

	return t && btf_kind(t) == KIND_STRUCT && !strcmp(name_of(v, t), "bpf_dynptr");
}

/* Does argument `arg` of the function carry the tag? */
static bool has_tag(const struct vfy *v, uint32_t func, int arg, const char *tag)
{
	uint32_t n = btf__type_cnt(v->u->btf);

	for (uint32_t id = 1; id < n; id++) {
		const struct btf_type *t = type_of(v, id);

		if (btf_kind(t) == KIND_DECL_TAG && t->type == func &&
		    btf_decl_tag(t)->component_idx == arg && !strcmp(name_of(v, t), tag))
			return true;
	}
	return false;
}

static int argument(struct vfy *v, uint32_t func, int i, uint32_t type, struct sig_arg *out)
{
	const struct btf_type *t = strip(v, &type, true);
	int64_t size;

	if (is_number(t)) {
		out->kind = SIG_NUMBER;
		return 0;
	}
	if (!t || btf_kind(t) != KIND_PTR)
		return refuse(v, DIAG_V038, "argument %d is neither a number nor a pointer", i + 1);
	type = t->type;
	if (has_tag(v, func, i, "arg:ctx") || is_context(v, type)) {
		out->kind = SIG_CTX;
		return 0;
	}
	if (has_tag(v, func, i, "arg:arena")) {
		out->kind = SIG_ARENA;
		return 0;
	}
	if (is_dynptr_type(v, type)) {
		out->kind = SIG_DYNPTR;
		return 0;
	}
	size = type ? btf__resolve_size(v->u->btf, type) : -1;
	if (size < 0 || size > MAX_OFF)
		return refuse(v, DIAG_V038, "argument %d points at something of unknown size", i + 1);
	out->kind = SIG_MEM;
	out->bytes = (uint32_t)size;
	out->not_null = has_tag(v, func, i, "arg:nonnull");
	return 0;
}

int function_signature(struct vfy *v, uint32_t sub, struct signature *out)
{
	const struct unit_func *f = v->sub[sub].func;
	const struct btf_type *t = f ? type_of(v, f->btf_id) : NULL;
	const struct btf_param *p;
	uint32_t ret;
	int r = 0;

	*out = (struct signature){ 0 };
	if (!t || btf_kind(t) != KIND_FUNC || !(t = type_of(v, t->type)) ||
	    btf_kind(t) != KIND_FUNC_PROTO)
		return refuse(v, DIAG_V038, "%s has no type in the BTF", f ? f->name : "");
	ret = t->type;
	out->is_void = !ret;
	if (ret && !is_number(strip(v, &ret, true)))
		return refuse(v, DIAG_V038, "%s does not return a number", f->name);
	if (btf_vlen(t) > 5)
		return refuse(v, DIAG_V038, "%s has more than 5 arguments", f->name);
	out->n = (uint8_t)btf_vlen(t);
	p = btf_params(t);
	for (int i = 0; i < out->n && r >= 0; i++)
		r = argument(v, f->btf_id, i, p[i].type, &out->arg[i]);
	return r;
}
