// SPDX-License-Identifier: MIT
#include "vm_unit.h"

#include <set>

#include "engine.h"

namespace {

struct Unit {
	struct unit u = {};
	struct unit_prog p = {};
	std::vector<unit_func> f;

	explicit Unit(std::vector<bpfi> &code, struct arena *a)
	{
		std::set<uint32_t> start = { 0 };
		for (size_t i = 0; i < code.size(); i++) {
			int64_t to = (int64_t)i + 1 + code[i].imm;
			if (code[i].code == BPFI_JMP_CALL && code[i].src == BPFI_CALL_LOCAL && to > 0 &&
			    to < (int64_t)code.size())
				start.insert((uint32_t)to);
			if (code[i].code == BPFI_LD_IMM64)
				i++;
		}
		for (uint32_t s : start)
			f.push_back({ s, 0, false, false, "f" });
		u.arena = a;
		p.name = "prog";
		p.sec = "vm";
		p.spec = "";
		p.kind = HOOK_vm;
		p.type = PROG_VM;
		p.insn = code.data();
		p.n_insn = (uint32_t)code.size();
		p.func = f.data();
		p.n_func = f.size();
		u.path = "case";
		u.name = "case";
		u.license = "GPL";
		u.prog = &p;
		u.n_prog = 1;
	}
};

}

int vm_run(std::vector<bpfi> code, void *mem, uint64_t bytes, vm_how how, uint64_t *r0,
	   struct diags *dg)
{
	struct arena *a = arena_new();
	Unit u(code, a);
	struct compile_opts opts = {};
	struct vfy_opts vo = {};
	struct vfy_result res = {};
	const struct vfy_result *facts[] = { how.verified ? &res : nullptr };
	struct engine *e = nullptr;
	int err = 0;
	u.p.mem_bytes = (uint32_t)bytes;
	opts.opt_level = how.level;
	opts.unverified = !how.verified;
	if (how.verified)
		err = vfy_verify(a, &u.u, &u.p, &vo, &res, dg);
	if (!err)
		err = engine_open(a, how.jit ? ENGINE_JIT : ENGINE_AOT, &u.u, facts, &opts, &e, dg);
	if (!err)
		*r0 = engine_prog(e, 0)(mem, bytes);
	engine_close(e);
	arena_free(a);
	return err;
}
