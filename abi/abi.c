/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <string.h>

#include "helpers.h"
#include "hooks.h"
#include "maps.h"

#define PROTO(name_, sleeps_, ret_, a1_, a2_, a3_, a4_, a5_, progs_)                        \
	{ name_, NULL, sleeps_, PROGS_##progs_, RET_##ret_,                                 \
	  { ARG_##a1_, ARG_##a2_, ARG_##a3_, ARG_##a4_, ARG_##a5_ } }

static const struct helper_proto protos[] = {
#define HELPER(id_, name_, ...) [id_] = PROTO(#name_, false, __VA_ARGS__),
#define HELPER_SLEEPS(id_, name_, ...) [id_] = PROTO(#name_, true, __VA_ARGS__),
#define HELPER_NO(id_, name_, reason_) [id_] = { .name = #name_, .refused = reason_ },
#include "helpers.def"
};

const struct helper_proto *helper_proto(int32_t id)
{
	if (id < 0 || (size_t)id >= sizeof(protos) / sizeof(protos[0]))
		return NULL;
	return protos[id].name ? &protos[id] : NULL;
}

static const struct helper_proto kfuncs[] = {
#define KFUNC(name_, ...) PROTO(#name_, false, __VA_ARGS__),
#define KFUNC_SLEEPS(name_, ...) PROTO(#name_, true, __VA_ARGS__),
#define KFUNC_NO(name_, reason_) { .name = #name_, .refused = reason_ },
#include "kfuncs.def"
};

const struct helper_proto *kfunc_proto(const char *name)
{
	for (size_t i = 0; i < sizeof(kfuncs) / sizeof(kfuncs[0]); i++)
		if (kfuncs[i].refused ? !strcmp(name, kfuncs[i].name)
				      : !strncmp(name, "bpf_", 4) && !strcmp(name + 4, kfuncs[i].name))
			return &kfuncs[i];
	return NULL;
}

const struct helper_proto *kfunc_row(size_t i)
{
	return i < sizeof(kfuncs) / sizeof(kfuncs[0]) ? &kfuncs[i] : NULL;
}

static const char *const prog_types[PROG_TYPE_COUNT] = {
	[PROG_KPROBE] = "kprobe",
	[PROG_TRACEPOINT] = "tracepoint",
	[PROG_RAW_TRACEPOINT] = "raw_tracepoint",
	[PROG_PERF_EVENT] = "perf_event",
	[PROG_XDP] = "xdp",
	[PROG_SOCKET_FILTER] = "socket_filter",
	[PROG_VM] = "vm",
};

const char *prog_type_name(enum prog_type t)
{
	return prog_types[t];
}

enum prog_type prog_type_of(const char *name)
{
	int t = 0;

	while (t < PROG_TYPE_COUNT && strcmp(prog_types[t], name))
		t++;
	return (enum prog_type)t;
}

const struct hook_desc hook_table[HOOK_COUNT] = {
#define HOOK(name_, prog_type_, entry_, text_)                                              \
	[HOOK_##name_] = { #name_, text_, PROG_##prog_type_, HOOK_ENTRY_##entry_ },
#include "hooks.def"
};

enum { SLEEPABLE = SEC_SLEEPABLE, MULTI = SEC_MULTI };

static const struct sec_def {
	const char *prefix;
	uint8_t     kind, flags;
} sec_table[] = {
#define SEC_DEF(prefix_, hook_, flags_) { prefix_, HOOK_##hook_, flags_ },
#include "hooks.def"
};

int hook_parse_sec(const char *sec, enum hook_kind *kind, unsigned *flags, const char **spec)
{
	bool manual = sec[0] == '?';
	size_t n = strcspn(sec += manual, "/");

	for (size_t i = 0; i < sizeof(sec_table) / sizeof(sec_table[0]); i++) {
		const struct sec_def *d = &sec_table[i];

		if (strlen(d->prefix) != n || memcmp(d->prefix, sec, n))
			continue;
		*kind = (enum hook_kind)d->kind;
		*flags = d->flags | (manual ? SEC_MANUAL : 0);
		*spec = sec[n] ? sec + n + 1 : "";
		return 0;
	}
	return -1;
}

static const struct map_row map_rows[] = {
#define MAP(id_, name_, key_, value_, place_)                                               \
	[id_] = { #name_, NULL, key_, value_, MAP_PLACE_##place_ },
#define MAP_NO(id_, name_, reason_) [id_] = { #name_, reason_, 0, 0, 0 },
#include "maps.def"
};

const struct map_row *map_row(uint32_t type)
{
	if (type >= sizeof(map_rows) / sizeof(map_rows[0]) || !map_rows[type].name)
		return NULL;
	return &map_rows[type];
}
