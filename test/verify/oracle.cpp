// SPDX-License-Identifier: MIT
#include "oracle.h"

#include <cstring>

#include "arena.h"
#include "objfmt.h"

static std::string hex(const void *p, size_t n)
{
	std::string s;
	char two[3];
	for (size_t i = 0; i < n; i++) {
		snprintf(two, sizeof(two), "%02x", ((const uint8_t *)p)[i]);
		s += two;
	}
	return s;
}

our_verdict verify(const gen_prog &p, bool plain)
{
	struct arena *a = arena_new();
	struct unit u = {};
	struct unit_prog up = {};
	struct unit_func main_func = {};
	struct diags dg = {};
	struct vfy_result res;
	struct vfy_opts opts = {};
	std::vector<struct unit_map> maps;

	for (auto &m : gen_maps) {
		struct unit_map um = {};
		um.name = m.name, um.type = m.type, um.key_size = m.key, um.value_size = m.value;
		um.max_entries = m.max, um.flags = m.flags, um.inner = -1;
		if (!m.init.empty()) {
			um.bits = MAP_BIT_RODATA;
			um.init = {(const uint8_t *)m.init.data(), m.init.size()};
		}
		maps.push_back(um);
	}
	main_func.name = "prog";
	up.name = "prog", up.sec = up.spec = "", up.type = p.type;
	up.insn = (struct bpfi *)p.insn.data(), up.n_insn = (uint32_t)p.insn.size();
	up.func = &main_func, up.n_func = 1;
	u.arena = a, u.path = "generated", u.name = "generated", u.license = "GPL";
	u.map = maps.data(), u.n_map = maps.size(), u.prog = &up, u.n_prog = 1;
	opts.any_helper = true;
	opts.plain = plain;
	int r = vfy_verify(a, &u, &up, &opts, &res, &dg);
	our_verdict v = {r == 0, r ? diag_name(dg.first) : "", dg.first_text, dg.first_insn, res.insns_processed};
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
			(m.init.empty() ? "" : ",\"frozen\":true,\"value0_hex\":\"" + hex(m.init.data(), m.init.size()) + "\"") + "}";
	return "{\"name\":\"" + name + "\",\"prog_type\":\"" + prog_type_name(p.type) + "\",\"insns_hex\":\"" +
	       hex(insn.data(), insn.size() * sizeof(bpfi)) + "\",\"map_relocs\":[" + relocs + "],\"maps\":[" + maps +
	       "],\"kernel_verdict\":\"" + verdict + "\"}";
}
