/* SPDX-License-Identifier: MIT
 * All 13 kinds of CO-RE relocation, on types whose other version is core_target.bpf.c. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct moved {
	u32 a, b;
	union { u32 in_union; u64 other; };
	u32 list[4];
	struct { int x, y; } pts[8];
	u32 not_there;
};
struct moved___flavour { u32 in_union; u32 gone; };
struct resized {
	u32 narrower, wider;
	int signed_wider;
	void *pointer;
	char text[16];
	u32 numbers[4];
};
struct bits { u32 a : 3; int s : 9; u64 wide : 40; u32 plain : 4; u32 was_plain; };
struct retyped { void *p; int q; double f; int was_int; };
struct flex { u64 n; u32 tail[]; };
struct twin { u32 same; };
typedef struct { u32 in_typedef; } anon_t;
union choice { u32 small[2]; };
struct nowhere { int x; };
#pragma clang attribute pop

typedef u32 number_t;
typedef int no_such_t;
enum colours { RED = 1, GREEN = 2, BLUE = 3, PINK = 4 };
enum wide64 { W_ONE = 1, W_NEG = -1LL, W_BIG = 0x7fffffffffLL };
enum signed_e { S_NEG = -1, S_POS = 1 };
struct declared_only;
struct fwd_user { struct declared_only *d; int (*fn)(int, struct moved *); };
enum colours___few { RED___few, GREEN___few };
struct matched { int num; struct moved *ptr; char arr[4]; enum colours___few c; };
struct mismatched { u32 num; };
typedef int (*fn_ptr_t)(int, struct moved *);
typedef int (*fn_ptr2_t)(int, struct moved *);

const volatile bool never;
volatile u64 out[64];

SEC("uprobe")
int fields(struct pt_regs *ctx)
{
	struct moved *m = (void *)ctx;
	struct moved___flavour *mf = (void *)ctx;
	struct resized *r = (void *)ctx;
	struct retyped *t = (void *)ctx;
	struct flex *fx = (void *)ctx;
	struct twin *tw = (void *)ctx;
	anon_t *an = (void *)ctx;
	union choice *ch = (void *)ctx;
	struct nowhere *no = (void *)ctx;
	u32 i32 = 0;

	out[0] = bpf_core_field_offset(m->a) + bpf_core_field_offset(m->in_union);
	out[1] = bpf_core_field_offset(m->list[3]) + bpf_core_field_size(m->list);
	out[2] = bpf_core_field_offset(m->pts[1].y) + bpf_core_field_size(m->pts[1]);
	out[3] = bpf_core_field_exists(m->not_there) + bpf_core_field_exists(m->b);
	out[4] = bpf_core_field_exists(mf->gone) + bpf_core_field_offset(mf->in_union);
	out[5] = bpf_core_field_size(r->narrower) + bpf_core_field_size(r->text);
	out[6] = bpf_core_field_exists(t->p) + bpf_core_field_exists(t->q);
	out[7] = bpf_core_field_exists(t->f) + bpf_core_field_exists(t->was_int);
	out[8] = bpf_core_field_offset(fx->tail[5]) + bpf_core_field_exists(no->x);
	out[9] = bpf_core_field_offset(tw->same) + bpf_core_field_offset(an->in_typedef);
	out[10] = bpf_core_field_offset(ch->small[1]) + bpf_core_field_exists(m->pts[7].x);
	bpf_core_read(&i32, sizeof(i32), &m->b);
	out[11] = i32;
	out[12] = BPF_CORE_READ(m, pts[1].x);
	if (never) {
		out[13] = bpf_core_field_size(m->not_there);
		out[14] = bpf_core_field_offset(no->x);
		bpf_core_read(&i32, sizeof(i32), &m->not_there);
	}
	return 0;
}

/* Loads and stores through ctx: patched offsets and sizes. */
SEC("uprobe")
int loads(struct pt_regs *ctx)
{
	struct moved *m = (void *)ctx;
	struct resized *r = (void *)ctx;

	if (never) {
		out[0] = m->a + m->in_union + m->list[2];
		out[1] = r->narrower + r->wider;
		out[2] = r->signed_wider;	/* sizes differ, with a sign: poisoned */
		out[3] = (u64)r->pointer + r->text[3];
		m->b = 7;
		m->a = out[4];
		r->narrower = 3;
	}
	return 0;
}

SEC("uprobe")
int bitfields(struct pt_regs *ctx)
{
	struct bits *b = (void *)ctx;

	out[0] = BPF_CORE_READ_BITFIELD_PROBED(b, a);
	out[1] = BPF_CORE_READ_BITFIELD_PROBED(b, s);
	out[2] = BPF_CORE_READ_BITFIELD_PROBED(b, wide);
	out[3] = BPF_CORE_READ_BITFIELD_PROBED(b, plain);
	out[4] = BPF_CORE_READ_BITFIELD_PROBED(b, was_plain);
	if (never)
		out[5] = BPF_CORE_READ_BITFIELD(b, a) + BPF_CORE_READ_BITFIELD(b, s);
	return 0;
}

SEC("uprobe")
int types(struct pt_regs *ctx)
{
	out[0] = bpf_core_type_id_local(struct moved) + bpf_core_type_id_local(struct nowhere);
	out[1] = bpf_core_type_id_kernel(struct moved) + bpf_core_type_id_kernel(number_t);
	out[2] = bpf_core_type_exists(struct moved) + bpf_core_type_exists(struct nowhere);
	out[3] = bpf_core_type_exists(number_t) + bpf_core_type_exists(no_such_t);
	out[4] = bpf_core_type_exists(union choice) + bpf_core_type_exists(enum colours);
	out[5] = bpf_core_type_size(struct moved) + bpf_core_type_size(number_t);
	out[6] = bpf_core_type_size(struct nowhere) + bpf_core_type_size(enum wide64);
	out[7] = bpf_core_type_exists(fn_ptr_t) + bpf_core_type_exists(fn_ptr2_t);
	out[8] = bpf_core_type_matches(struct matched) + bpf_core_type_matches(struct mismatched);
	out[9] = bpf_core_type_matches(struct moved) + bpf_core_type_matches(struct fwd_user);
	out[10] = bpf_core_type_matches(enum colours) + bpf_core_type_matches(enum signed_e);
	out[11] = bpf_core_type_matches(fn_ptr_t) + bpf_core_type_matches(fn_ptr2_t);
	out[12] = bpf_core_type_matches(struct nowhere) + bpf_core_type_matches(number_t);
	out[13] = bpf_core_type_matches(struct flex) + bpf_core_type_matches(struct twin);
	return 0;
}

SEC("uprobe")
int enums(struct pt_regs *ctx)
{
	out[0] = bpf_core_enum_value_exists(enum colours, RED);
	out[1] = bpf_core_enum_value_exists(enum colours, PINK);
	out[2] = bpf_core_enum_value(enum colours, GREEN);
	out[3] = bpf_core_enum_value(enum colours, BLUE);
	out[4] = bpf_core_enum_value(enum signed_e, S_NEG);
	out[5] = bpf_core_enum_value(enum wide64, W_ONE);
	out[6] = bpf_core_enum_value(enum wide64, W_NEG);
	if (never)
		out[7] = bpf_core_enum_value(enum wide64, W_BIG);
	return 0;
}

/* In a subprogram that two programs share. */
static __noinline u64 shared(void *p)
{
	struct moved *m = p;

	return bpf_core_field_offset(m->list[1]);
}

SEC("uprobe")
int calls_shared(struct pt_regs *ctx)
{
	out[0] = shared(ctx);
	return 0;
}

SEC("uretprobe")
int calls_shared_too(struct pt_regs *ctx)
{
	return shared(ctx) + shared(ctx);
}

char LICENSE[] SEC("license") = "GPL";
