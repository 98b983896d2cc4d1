// SPDX-License-Identifier: MIT
#include "vm_unit.h"

#include <set>

#include "jit.h"
#include "load.h"

extern "C" const unsigned char bpftime_rt_archive[], bpftime_rt_archive_end[];

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

int run_jit(const Unit &u, const compile_opts &opts, void *mem, uint64_t bytes, uint64_t *r0,
	    struct diags *dg)
{
	struct jit *j;
	int err = jit_open(&u.u, nullptr, &opts, nullptr, &j, dg);
	if (err < 0)
		return err;
	*r0 = jit_prog(j, 0)(mem, bytes);
	jit_close(j);
	return 0;
}

int run_aot(const Unit &u, const compile_opts &opts, struct arena *a, void *mem, uint64_t bytes,
	    uint64_t *r0, struct diags *dg)
{
	struct lnk_loaded p = {};
	struct bytes obj;
	int err = compile_object(a, &u.u, nullptr, &opts, &obj, dg);
	if (err < 0)
		return err;
	struct lnk *l = lnk_new(a, { bpftime_rt_archive,
				     (size_t)(bpftime_rt_archive_end - bpftime_rt_archive) });
	if ((err = lnk_add_object(l, "case", obj, true, dg)) < 0 ||
	    (err = lnk_load_here(l, PAYLOAD_PRIVATE, &p, dg)) < 0)
		return err;
	*r0 = lnk_loaded_body(&p, "prog")(mem, bytes);
	lnk_unload(&p);
	return 0;
}

}

int vm_run(std::vector<bpfi> code, void *mem, uint64_t bytes, bool jit, unsigned level,
	   uint64_t *r0, struct diags *dg)
{
	struct arena *a = arena_new();
	Unit u(code, a);
	struct compile_opts opts = {};
	opts.opt_level = level;
	opts.unverified = true;
	int err = jit ? run_jit(u, opts, mem, bytes, r0, dg)
		      : run_aot(u, opts, a, mem, bytes, r0, dg);
	arena_free(a);
	return err;
}
