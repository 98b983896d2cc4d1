/* SPDX-License-Identifier: MIT */
#include "target.h"

#include <llvm-c/Core.h>
#include <llvm-c/Target.h>
#include <string.h>

static const struct target targets[] = {
	{ "x86_64", "x86_64-unknown-linux-gnu", "x86-64", "", "-x87,-mmx,-sse", true, true },
	{ "aarch64", "aarch64-unknown-linux-gnu", "generic", "", "-fp-armv8,-neon", true, false },
	{ "riscv64", "riscv64-unknown-linux-gnu", "generic-rv64", "+m,+a,+f,+d,+c",
	  "+m,+a,+c", false, false },
};

const struct target *target_find(const char *name)
{
	if (!name)
		return &targets[0];
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
		if (!strcmp(targets[i].name, name))
			return &targets[i];
	return NULL;
}

const struct target *target_of_triple(const char *triple)
{
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
		if (!strcmp(targets[i].triple, triple))
			return &targets[i];
	return NULL;
}

/* Inline assembly in the runtime needs the parsers as well. */
void target_initialise(void)
{
	static bool done;

	if (done)
		return;
	done = true;
#define TARGET_INIT(arch_)                                                                  \
	LLVMInitialize##arch_##TargetInfo();                                                \
	LLVMInitialize##arch_##Target();                                                    \
	LLVMInitialize##arch_##TargetMC();                                                  \
	LLVMInitialize##arch_##AsmPrinter();                                                \
	LLVMInitialize##arch_##AsmParser();                                                 \
	LLVMInitialize##arch_##Disassembler();
	TARGET_INIT(X86)
	TARGET_INIT(AArch64)
	TARGET_INIT(RISCV)
}

/* LLVM aborts on names that it does not know. */
static bool cpu_known(const struct target *t, const char *cpu)
{
	static const struct {
		const char *target, *cpu;
	} known[] = {
#define CPU(target_, cpu_) { target_, cpu_ },
#include "cpus.inc"
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(known[i].target, t->name) && !strcmp(known[i].cpu, cpu))
			return true;
	return !strcmp(cpu, t->cpu);
}

static bool is_host(const struct target *t)
{
	char *triple = LLVMGetDefaultTargetTriple();
	bool same = !strncmp(triple, t->name, strlen(t->name));

	LLVMDisposeMessage(triple);
	return same;
}

/* A CPU name without its feature string would make LLVM use instructions that the
 * machine masks: both come from the host, or neither. */
static void host_cpu(struct arena *a, struct target_machine *out)
{
	char *cpu = LLVMGetHostCPUName(), *features = LLVMGetHostCPUFeatures();

	out->cpu = arena_strdup(a, cpu);
	out->features = arena_printf(a, "%s%s%s", features, *out->features ? "," : "",
				     out->features);
	LLVMDisposeMessage(cpu);
	LLVMDisposeMessage(features);
}

int target_open(struct arena *a, const struct compile_opts *opts, struct target_machine *out,
		struct diags *dg)
{
	static const LLVMCodeGenOptLevel levels[] = {
		LLVMCodeGenLevelNone, LLVMCodeGenLevelLess, LLVMCodeGenLevelDefault,
		LLVMCodeGenLevelAggressive,
	};
	const struct target *t = target_find(opts->target);
	LLVMTargetRef ref;
	char *err = NULL;

	if (!t)
		return diag(dg, DIAG_C006, at_file(opts->target), "x86_64, aarch64 or riscv64");
	if (opts->hosted && !is_host(t))
		return diag(dg, DIAG_C006, at_file(t->name), "the JIT compiles for this machine only");
	if (opts->cpu && !strcmp(opts->cpu, "native") ? !is_host(t)
						      : opts->cpu && !cpu_known(t, opts->cpu))
		return diag(dg, DIAG_C006, at_file(opts->cpu), "not a CPU model of %s", t->name);
	target_initialise();
	out->target = t;
	out->cpu = arena_strdup(a, opts->cpu ? opts->cpu : t->cpu);
	out->features = arena_strdup(a, opts->hosted ? t->vector_features : t->hook_features);
	if (!strcmp(out->cpu, "native"))
		host_cpu(a, out);
	if (LLVMGetTargetFromTriple(t->triple, &ref, &err)) {
		int r = diag(dg, DIAG_C006, at_file(t->triple), "%s", err);

		LLVMDisposeMessage(err);
		return r;
	}
	out->tm = LLVMCreateTargetMachine(ref, t->triple, out->cpu, out->features,
					  levels[opts->opt_level & 3], LLVMRelocPIC,
					  LLVMCodeModelSmall);
	return out->tm ? 0 : diag(dg, DIAG_C006, at_file(t->triple), "cpu %s", out->cpu);
}
