// SPDX-License-Identifier: MIT
#include "oracle.h"

#include <algorithm>
#include <cstring>

#include "arena.h"
#include "maps.h"
#include "objfmt.h"

std::string bytes_text(const void *p, size_t n)
{
	std::string s;
	char two[3];
	for (size_t i = 0; i < n; i++) {
		snprintf(two, sizeof(two), "%02x", ((const uint8_t *)p)[i]);
		s += two;
	}
	return s;
}

std::string unit_prog_name(size_t i) { return "prog" + std::to_string(i); }

template <class T> static T *copy(struct arena *a, const T *from, size_t n)
{
	T *to = (T *)arena_array(a, n ? n : 1, sizeof(T));
	if (n)
		memcpy((void *)to, (const void *)from, n * sizeof(T));
	return to;
}

static struct unit_map map_of(const gen_map &m)
{
	static const struct map_init_slot inside[] = {{GEN_A, GEN_IN_A}, {GEN_B, GEN_IN_B}};
	struct unit_map um = {};
	um.name = m.name, um.type = m.type, um.key_size = m.key, um.value_size = m.value;
	um.max_entries = m.max, um.flags = m.flags, um.inner = m.inner < 0 ? -1 : GEN_MAPS;
	um.lock = m.lock ? GEN_LOCK_OFF + 1 : 0;
	if (m.inner >= 0)
		um.slots = inside, um.n_slots = 2;
	if (!m.init.empty()) {
		um.bits = MAP_BIT_RODATA;
		um.init = {(const uint8_t *)m.init.data(), m.init.size()};
	}
	return um;
}

static void find_funcs(struct arena *a, const gen_prog &p, struct unit_prog *up)
{
	std::vector<uint32_t> callbacks = callback_starts(p);
	std::vector<struct unit_func> list;
	for (uint32_t at : function_starts(p)) {
		struct unit_func f = {};
		f.insn = at;
		f.name = at ? arena_printf(a, "func_%u", at) : up->name;
		f.callback = std::binary_search(callbacks.begin(), callbacks.end(), at);
		f.btf_id = f.callback;		// that it has one is all that is asked
		list.push_back(f);
	}
	up->func = copy(a, list.data(), list.size()), up->n_func = list.size();
}

struct unit *as_unit(struct arena *a, const std::vector<gen_prog> &progs)
{
	std::vector<struct unit_map> maps;
	std::vector<struct unit_prog> list;
	struct unit u = {};

	for (auto &m : gen_maps)
		maps.push_back(map_of(m));
	maps.push_back(map_of(gen_maps[GEN_IN_A]));	// what the maps inside others are like
	maps.back().name = "inner", maps.back().bits = MAP_BIT_TEMPLATE;
	for (auto &p : progs) {
		struct unit_prog up = {};
		up.name = arena_strdup(a, unit_prog_name(list.size()).c_str());
		up.type = p.type;
		while (hook_table[up.kind].prog_type != up.type)
			up.kind = (enum hook_kind)(up.kind + 1);
		up.sec = hook_table[up.kind].name, up.spec = "";
		up.insn = copy(a, p.insn.data(), p.insn.size()), up.n_insn = (uint32_t)p.insn.size();
		find_funcs(a, p, &up);
		list.push_back(up);
	}
	u.arena = a, u.path = "generated", u.name = "generated", u.license = "GPL";
	u.kfunc = copy(a, gen_kfuncs.data(), gen_kfuncs.size()), u.n_kfunc = gen_kfuncs.size();
	u.map = copy(a, maps.data(), maps.size()), u.n_map = maps.size();
	u.prog = copy(a, list.data(), list.size()), u.n_prog = list.size();
	return copy(a, &u, 1);
}

our_verdict verify(const gen_prog &p, uint32_t plain, bool chance, struct btf *types)
{
	struct arena *a = arena_new();
	struct unit *u = as_unit(a, {p});
	struct diags dg = {};
	struct vfy_result res;
	struct vfy_opts opts = {};

	u->target_btf = types;
	opts.plain = plain;
	opts.chance = chance;
	int r = vfy_verify(a, u, u->prog, &opts, &res, &dg);
	our_verdict v = {r == 0, r ? diag_name(dg.first) : "", dg.first_text, dg.first_insn, res.insns_processed,
			 res.by_chance, {}};
	for (size_t i = 0; res.insn && i < p.insn.size(); i++)
		v.reached.push_back(res.insn[i].reached);
	arena_free(a);
	return v;
}

std::string as_record(const gen_prog &p, const std::string &name, const std::string &verdict)
{
	std::string relocs, maps;
	std::vector<bpfi> insn = p.insn;

	for (size_t i = 0; i < insn.size(); i++) {
		if (insn[i].code != BPFI_LD_IMM64 || (insn[i].src != 1 && insn[i].src != 2))
			continue;
		relocs += (relocs.empty() ? "" : ",") + std::string("{\"insn\":") + std::to_string(i) +
			  ",\"map_index\":" + std::to_string(insn[i].imm) + ",\"kind\":\"" +
			  (insn[i].src == 1 ? "fd" : "value") + "\"}";
		insn[i].imm = 0;
	}
	for (auto &m : gen_maps)
		maps += (maps.empty() ? "" : ",") + std::string("{\"type\":") + std::to_string(m.type) + ",\"key\":" +
			std::to_string(m.key) + ",\"value\":" + std::to_string(m.value) + ",\"max\":" +
			std::to_string(m.max) + ",\"flags\":" + std::to_string(m.flags) +
			(m.init.empty() ? "" : ",\"frozen\":true,\"value0_hex\":\"" + bytes_text(m.init.data(), m.init.size()) + "\"") + "}";
	return "{\"name\":\"" + name + "\",\"prog_type\":\"" + prog_type_name(p.type) + "\",\"insns_hex\":\"" +
	       bytes_text(insn.data(), insn.size() * sizeof(bpfi)) + "\",\"map_relocs\":[" + relocs + "],\"maps\":[" + maps +
	       "],\"kernel_verdict\":\"" + verdict + "\"}";
}
