/* SPDX-License-Identifier: MIT */
#include "stamp.h"

#include <llvm/Config/llvm-config.h>
#include <stdio.h>
#include <string.h>

#include "opts.h"
#include "rt.h"
#include "sha256.h"

static void add_u32(struct sha256 *s, uint32_t v)
{
	uint8_t b[4] = { (uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24) };

	sha256_add(s, b, 4);
}

/* Lengths are hashed too, so that no two inputs run together into the same bytes. */
static void add_bytes(struct sha256 *s, const void *p, size_t n)
{
	add_u32(s, (uint32_t)n);
	sha256_add(s, p, n);
}

static void add_map(struct sha256 *s, const struct unit_map *m)
{
	const uint32_t attr[] = {
		m->type, m->key_size, m->value_size, m->max_entries, m->flags,
		(uint32_t)m->map_extra, (uint32_t)(m->map_extra >> 32), m->bits, m->key_btf_id,
		m->value_btf_id, (uint32_t)m->inner,
	};

	add_bytes(s, m->name, strlen(m->name));
	for (size_t i = 0; i < sizeof(attr) / sizeof(attr[0]); i++)
		add_u32(s, attr[i]);
	add_bytes(s, m->init.p, m->init.n);
	add_u32(s, (uint32_t)m->n_slots);
	for (size_t i = 0; i < m->n_slots; i++) {
		add_u32(s, m->slots[i].slot);
		add_u32(s, (uint32_t)m->slots[i].target);
	}
}

static void add_insns(struct sha256 *s, const struct unit_prog *p)
{
	add_u32(s, p->n_insn);
	for (uint32_t i = 0; i < p->n_insn; i++) {
		const struct bpfi *in = &p->insn[i];

		add_u32(s, (uint32_t)in->code | (uint32_t)in->dst << 8 | (uint32_t)in->src << 12 |
			   (uint32_t)(uint16_t)in->off << 16);
		add_u32(s, (uint32_t)in->imm);
	}
}

void stamp_prog_hash(const struct unit *u, const struct unit_prog *p, uint8_t out[32])
{
	struct sha256 s;

	sha256_init(&s);
	add_u32(&s, p->type);
	add_insns(&s, p);
	for (uint32_t i = 0; i < p->n_insn; i++) {
		const struct bpfi *in = &p->insn[i];
		bool ref = in->src == BPFI_LD_MAP || in->src == BPFI_LD_MAP_VALUE;

		if (in->code != BPFI_LD_IMM64)
			continue;
		if (ref && (uint32_t)in->imm < u->n_map)
			add_map(&s, &u->map[in->imm]);
		i++;
	}
	sha256_done(&s, out);
}

static void unit_hash(const struct unit *u, uint8_t out[32])
{
	struct sha256 s;

	sha256_init(&s);
	add_bytes(&s, u->license ? u->license : "", u->license ? strlen(u->license) : 0);
	add_u32(&s, (uint32_t)u->n_map);
	for (size_t i = 0; i < u->n_map; i++)
		add_map(&s, &u->map[i]);
	add_u32(&s, (uint32_t)u->n_prog);
	for (size_t i = 0; i < u->n_prog; i++) {
		const struct unit_prog *p = &u->prog[i];

		add_bytes(&s, p->name, strlen(p->name));
		add_bytes(&s, p->sec, strlen(p->sec));
		add_u32(&s, p->flags);
		add_insns(&s, p);
	}
	for (size_t i = 0; i < u->n_ext; i++) {
		add_u32(&s, (uint32_t)u->ext[i].id);
		add_bytes(&s, u->ext[i].proto.name, strlen(u->ext[i].proto.name));
		add_bytes(&s, u->ext[i].width, sizeof(u->ext[i].width));
		add_u32(&s, u->ext[i].proto.ret);
		add_bytes(&s, u->ext[i].proto.arg, sizeof(u->ext[i].proto.arg));
	}
	add_bytes(&s, u->btf_raw.p, u->btf_raw.n);
	sha256_done(&s, out);
}

void stamp_make(const struct unit *u, const struct vfy_result *const *facts,
		const struct compile_opts *opts, const char *triple, const char *cpu,
		struct objfmt_stamp *out)
{
	bool verified = !opts->unverified;

	for (size_t i = 0; i < u->n_prog; i++)
		verified &= facts && facts[i];
	*out = (struct objfmt_stamp){
		.version = OBJFMT_STAMP_VERSION, .size = sizeof(*out), .rt_abi = RT_ABI_VERSION,
		.verdict = verified ? VERDICT_VERIFIED : VERDICT_UNVERIFIED,
		.verifier = verified ? VERIFIER_VERSION : 0,
	};
	unit_hash(u, out->hash);
	snprintf(out->target, sizeof(out->target), "%s", triple);
	snprintf(out->cpu, sizeof(out->cpu), "%s", cpu);
	snprintf(out->compiler, sizeof(out->compiler), "bpftime-aot %s llvm %s", BPFTIME_VERSION,
		 LLVM_VERSION_STRING);
}
