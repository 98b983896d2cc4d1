/* SPDX-License-Identifier: MIT */
#include "jit.h"

#include <llvm-c/Error.h>
#include <llvm-c/LLJIT.h>
#include <llvm-c/Orc.h>
#include <stdlib.h>
#include <string.h>

#include "module.h"

struct jit {
	struct arena  *arena;
	LLVMOrcLLJITRef lljit;
	jit_fn       **prog;
};

/* Reports err (consumed).  Returns 0 when there is none. */
static int orc_error(const struct unit *u, LLVMErrorRef err, struct diags *dg)
{
	char *text;
	int r;

	if (!err)
		return 0;
	text = LLVMGetErrorMessage(err);
	r = diag(dg, DIAG_I001, at_file(u->path), "ORC: %s", text);
	LLVMDisposeErrorMessage(text);
	return r;
}

static int define_at(struct jit *j, const struct unit *u, const char *name, const void *at,
		     bool callable, struct diags *dg)
{
	LLVMOrcCSymbolMapPair pair = { .Name = LLVMOrcLLJITMangleAndIntern(j->lljit, name) };

	pair.Sym.Address = (uintptr_t)at;
	pair.Sym.Flags.GenericFlags = LLVMJITSymbolGenericFlagsExported;
	if (callable)
		pair.Sym.Flags.GenericFlags |= LLVMJITSymbolGenericFlagsCallable;
	return orc_error(u, LLVMOrcJITDylibDefine(LLVMOrcLLJITGetMainJITDylib(j->lljit),
						  LLVMOrcAbsoluteSymbols(&pair, 1)), dg);
}

/* Tells ORC where a symbol of the runtime is, if the module refers to it. */
static int define(struct jit *j, const struct unit *u, const struct jit_env *env, LLVMValueRef v,
		  struct diags *dg)
{
	const char *name = LLVMGetValueName(v);
	uint64_t at;

	if (!LLVMIsDeclaration(v) || !LLVMGetFirstUse(v))
		return 0;
	at = env ? env->symbol(env->arg, name) : 0;
	if (!at)
		return diag(dg, DIAG_C003, at_file(u->path), "%s: no such symbol here", name);
	return define_at(j, u, name, (const void *)(uintptr_t)at, LLVMIsAFunction(v), dg);
}

/* What instruction selection makes calls of. */
static int define_libc(struct jit *j, const struct unit *u, struct diags *dg)
{
	int r = define_at(j, u, "memcpy", (const void *)(uintptr_t)memcpy, true, dg);

	if (r >= 0)
		r = define_at(j, u, "memmove", (const void *)(uintptr_t)memmove, true, dg);
	if (r >= 0)
		r = define_at(j, u, "memset", (const void *)(uintptr_t)memset, true, dg);
	return r;
}

static int define_all(struct jit *j, const struct unit *u, const struct module *m,
		      const struct jit_env *env, struct diags *dg)
{
	int r = define_libc(j, u, dg);

	for (LLVMValueRef f = LLVMGetFirstFunction(m->l.mod); f && r >= 0;
	     f = LLVMGetNextFunction(f))
		if (!LLVMGetIntrinsicID(f))
			r = define(j, u, env, f, dg);
	for (LLVMValueRef g = LLVMGetFirstGlobal(m->l.mod); g && r >= 0; g = LLVMGetNextGlobal(g))
		r = define(j, u, env, g, dg);
	return r;
}

static int link_module(struct jit *j, const struct unit *u, struct module *m,
		       const struct jit_env *env, LLVMOrcThreadSafeContextRef tsc,
		       struct diags *dg)
{
	LLVMOrcLLJITBuilderRef builder = LLVMOrcCreateLLJITBuilder();
	LLVMOrcThreadSafeModuleRef tsm;
	LLVMValueRef slots = LLVMGetNamedGlobal(m->l.mod, LOWER_SLOTS);
	int r;

	LLVMOrcLLJITBuilderSetJITTargetMachineBuilder(
		builder, LLVMOrcJITTargetMachineBuilderCreateFromTargetMachine(m->target.tm));
	m->target.tm = NULL;	/* taken */
	r = orc_error(u, LLVMOrcCreateLLJIT(&j->lljit, builder), dg);
	if (r < 0 || (r = define_all(j, u, m, env, dg)) < 0)
		return r;
	if (slots)
		LLVMSetLinkage(slots, LLVMExternalLinkage);
	tsm = LLVMOrcCreateNewThreadSafeModule(m->l.mod, tsc);
	m->l.mod = NULL;	/* taken */
	return orc_error(u, LLVMOrcLLJITAddLLVMIRModule(j->lljit,
							LLVMOrcLLJITGetMainJITDylib(j->lljit),
							tsm), dg);
}

/* What init does for a hook object, and who embeds it: writes the base of each map, and the
 * address of each extern. */
static int fill_slots(struct jit *j, const struct unit *u, const struct jit_env *env,
		      struct diags *dg)
{
	LLVMOrcExecutorAddress addr = 0;
	void **slot;
	int r;

	if (!u->n_map && !u->n_ext)
		return 0;
	r = orc_error(u, LLVMOrcLLJITLookup(j->lljit, &addr, LOWER_SLOTS), dg);
	if (r < 0)
		return r;
	slot = (void **)(uintptr_t)addr;
	for (size_t i = 0; i < u->n_map; i++) {
		if (!env)
			return diag(dg, DIAG_C003, at_file(u->path), "map %s has no memory",
				    u->map[i].name);
		*slot++ = env->map_base(env->arg, i);
	}
	for (size_t i = 0; i < u->n_ext; i++)
		*slot++ = u->ext[i].at;
	return 0;
}

static int look_up(struct jit *j, const struct unit *u, struct diags *dg)
{
	int r = 0;

	j->prog = arena_array(j->arena, u->n_prog + 1, sizeof(*j->prog));
	for (size_t i = 0; i < u->n_prog && r >= 0; i++) {
		LLVMOrcExecutorAddress addr = 0;

		r = orc_error(u, LLVMOrcLLJITLookup(j->lljit, &addr,
						    module_prog_name(j->arena, i)), dg);
		j->prog[i] = (jit_fn *)(uintptr_t)addr;
	}
	return r;
}

int jit_open(const struct unit *u, const struct vfy_result *const *facts,
	     const struct compile_opts *opts, const struct jit_env *env, struct jit **out,
	     struct diags *dg)
{
	LLVMOrcThreadSafeContextRef tsc = LLVMOrcCreateNewThreadSafeContext();
	struct arena *a = arena_new();
	struct jit *j = arena_alloc(a, sizeof(*j));
	struct compile_opts o = *opts;
	struct module m;
	int r;

	j->arena = a;
	o.vm = o.hosted = true;
	if (!o.cpu)
		o.cpu = "native";
	r = module_make(a, LLVMOrcThreadSafeContextGetContext(tsc), u, facts, &o, true, &m, dg);
	if (r >= 0)
		r = link_module(j, u, &m, env, tsc, dg);
	if (r >= 0)
		r = look_up(j, u, dg);
	if (r >= 0)
		r = fill_slots(j, u, env, dg);
	module_close(&m);
	LLVMOrcDisposeThreadSafeContext(tsc);
	if (r < 0) {
		jit_close(j);
		return r;
	}
	*out = j;
	return 0;
}

void jit_close(struct jit *j)
{
	LLVMErrorRef err;

	if (!j)
		return;
	if (j->lljit && (err = LLVMOrcDisposeLLJIT(j->lljit)))
		LLVMConsumeError(err);
	arena_free(j->arena);
}

jit_fn *jit_prog(const struct jit *j, size_t i)
{
	return j->prog[i];
}
