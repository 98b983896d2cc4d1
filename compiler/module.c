/* SPDX-License-Identifier: MIT */
#include "module.h"

#include <llvm-c/Analysis.h>
#include <llvm-c/BitReader.h>
#include <llvm-c/Linker.h>
#include <llvm-c/Target.h>
#include <string.h>

#include "lower/debuginfo.h"
#include "lower/entry.h"
#include "lower/tables.h"
#include "maps.h"
#include "runtime_bitcode.h"
#include "stamp.h"

enum { CACHE_LINE = 64 };	/* where functions of a program that is run by itself begin */

char *module_prog_name(struct arena *a, size_t i)
{
	return arena_printf(a, "bpftime_prog_%zu", i);
}

int module_internal_error(struct module *m, const char *what, char *text)
{
	int r = diag(m->l.dg, DIAG_I001, at_file(m->l.u->path), "%s: %s", what, text ? text : "");

	LLVMDisposeMessage(text);
	return r;
}

static void on_diagnostic(LLVMDiagnosticInfoRef info, void *arg)
{
	struct module *m = arg;
	char *text;

	if (LLVMGetDiagInfoSeverity(info) != LLVMDSError)
		return;
	text = LLVMGetDiagInfoDescription(info);
	module_internal_error(m, "LLVM", text);
}

/* The runtime's bitcode: names and types now, the code of a function only if a program calls it. */
static int open_runtime(struct module *m)
{
	struct lower *l = &m->l;
	struct bytes bc = runtime_bitcode(m->target.target->name);
	LLVMMemoryBufferRef buf;

	if (!bc.n)
		return 0;
	buf = LLVMCreateMemoryBufferWithMemoryRange((const char *)bc.p, bc.n, "runtime", 0);
	if (LLVMGetBitcodeModuleInContext2(l->ctx, buf, &l->runtime))	/* which takes buf */
		return module_internal_error(m, "runtime bitcode", LLVMCreateMessage("unreadable"));
	return 0;
}

/* A hook runs on whatever the stack pointer is at its place, and what it calls aligns it (thunk.h). */
static void set_stack_alignment(struct lower *l)
{
	static const char name[] = "override-stack-alignment";
	LLVMTypeRef i32 = LLVMInt32TypeInContext(l->ctx);

	if (!l->opts->vm)
		LLVMAddModuleFlag(l->mod, LLVMModuleFlagBehaviorError, name, sizeof(name) - 1,
				  LLVMValueAsMetadata(LLVMConstInt(i32, 8, 0)));
}

static void open_module(struct module *m)
{
	struct lower *l = &m->l;
	LLVMTargetDataRef dl = LLVMCreateTargetDataLayout(m->target.tm);

	l->mod = LLVMModuleCreateWithNameInContext(l->u->name, l->ctx);
	LLVMSetTarget(l->mod, m->target.target->triple);
	LLVMSetModuleDataLayout(l->mod, dl);
	LLVMDisposeTargetData(dl);
	set_stack_alignment(l);
}

/* Nothing is seen from outside, and nothing of another object replaces it. */
static void hide(LLVMValueRef v)
{
	if (LLVMIsDeclaration(v) && strncmp(LLVMGetValueName(v), "llvm.", 5))
		LLVMSetVisibility(v, LLVMHiddenVisibility);
	else if (LLVMGetLinkage(v) == LLVMLinkOnceODRLinkage)
		LLVMSetLinkage(v, LLVMInternalLinkage);
}

/* What the programs call becomes a part of the module: the linker leaves linkonce functions
 * that nobody mentions where they are. */
static int link_runtime(struct module *m)
{
	struct lower *l = &m->l;
	LLVMModuleRef rt = l->runtime;

	if (!rt)
		return 0;
	for (LLVMValueRef f = LLVMGetFirstFunction(rt); f; f = LLVMGetNextFunction(f))
		if (!LLVMIsDeclaration(f) && LLVMGetLinkage(f) == LLVMExternalLinkage)
			LLVMSetLinkage(f, LLVMLinkOnceODRLinkage);
	LLVMSetDataLayout(rt, LLVMGetDataLayoutStr(l->mod));
	LLVMSetTarget(rt, LLVMGetTarget(l->mod));
	l->runtime = NULL;
	if (LLVMLinkModules2(l->mod, rt))
		return module_internal_error(m, "runtime bitcode", LLVMCreateMessage("cannot be linked"));
	for (LLVMValueRef f = LLVMGetFirstFunction(l->mod); f; f = LLVMGetNextFunction(f))
		hide(f);
	for (LLVMValueRef g = LLVMGetFirstGlobal(l->mod); g; g = LLVMGetNextGlobal(g))
		hide(g);
	return 0;
}

/* Then any program may be the target of a tail call. */
static bool has_prog_array(const struct unit *u)
{
	for (size_t i = 0; i < u->n_map; i++)
		if (u->map[i].type == MAP_TYPE_prog_array)
			return true;
	return false;
}

/* How much a tracepoint has to say depends on which it is; the kernel compares when it
 * attaches. */
static int check_ctx_bytes(const struct lower *l, const struct unit_prog *p,
			   const struct vfy_result *facts)
{
	uint32_t limit = p->type == PROG_RAW_TRACEPOINT	    ? CTX_RAW_SYSCALL_BYTES
			 : strstr(p->sec, "/sys_exit") ? CTX_SYS_EXIT_BYTES
							    : CTX_SYS_ENTER_BYTES;

	if (!facts || facts->ctx_bytes <= limit || !strstr(p->sec, "/sys_"))
		return 0;
	return diag(l->dg, DIAG_C009, at_insn(l->u->path, p->name, -1, NULL),
		    "it reads %u bytes of its context, which has %u", facts->ctx_bytes, limit);
}

/* OBJFMT_HOOK_*: may the program decide that the function does not run?  Dead code does not
 * count; behind a tail call is whatever the slot holds. */
static uint8_t hook_bits(const struct unit_prog *p, const struct vfy_result *facts, bool tail_calls)
{
	uint8_t entry = hook_table[p->kind].entry;
	bool calls = false;

	if (entry == HOOK_ENTRY_REPLACE || entry == HOOK_ENTRY_FILTER)
		return OBJFMT_HOOK_OUTCOME | OBJFMT_HOOK_DECIDES;
	for (uint32_t i = 0; i < p->n_insn; i++)
		calls |= p->insn[i].code == BPFI_JMP_CALL && p->insn[i].src == BPFI_CALL_HELPER &&
			 p->insn[i].imm == HELPER_override_return && (!facts || facts->insn[i].reached);
	if (calls)
		return OBJFMT_HOOK_OUTCOME | OBJFMT_HOOK_DECIDES;
	return tail_calls && PROGS_DECIDING >> p->type & 1 ? OBJFMT_HOOK_OUTCOME : 0;
}

/* Fields of the context that are read: all, where a tail call leads to who knows what; where nobody knows who gets the
 * context's address, its registers and what helpers read of the rest. */
static uint32_t ctx_mask_of(const struct unit_prog *p, const struct vfy_result *facts)
{
	const uint32_t regs = (1u << CTX_REGS_BYTES / 8) - 1;

	if (!facts || p->type != PROG_KPROBE)
		return (1u << CTX_FIELDS) - 1;
	return facts->ctx_mask | (facts->ctx_escapes ? regs : 0);
}

static int add_program(struct module *m, size_t i, const struct vfy_result *facts,
		       struct lower_hook *hook)
{
	struct lower *l = &m->l;
	const struct unit_prog *p = &l->u->prog[i];
	bool has_entry = hook_table[p->kind].entry != HOOK_ENTRY_NONE;
	LLVMValueRef body;
	bool tail_calls;
	int r = lower_program(l, i, facts, &body, &tail_calls);

	if (r < 0 || (r = check_ctx_bytes(l, p, facts)) < 0)
		return r;
	hook->bits = hook_bits(p, facts, tail_calls);
	hook->ctx_mask = ctx_mask_of(p, tail_calls ? NULL : facts);
	hook->form = l->hook_cc == CC_PRESERVE_MOST ? entry_form_of(hook->ctx_mask) : ENTRY_FRAME;
	if (has_entry)
		hook->entry = entry_make(l, arena_printf(l->a, "hook.%s", p->name), p, hook->form,
					 hook->ctx_mask, hook->bits & OBJFMT_HOOK_OUTCOME, body);
	if (!has_entry || l->opts->vm || has_prog_array(l->u))
		hook->body = entry_c(l, module_prog_name(l->a, i), p, body, tail_calls);
	if (l->opts->vm) {
		LLVMSetLinkage(hook->body, LLVMExternalLinkage);
		LLVMSetAlignment(hook->body, CACHE_LINE);
	}
	return 0;
}

void lower_add_attr(struct lower *l, LLVMValueRef f, const char *name)
{
	unsigned id = LLVMGetEnumAttributeKindForName(name, strlen(name));

	LLVMAddAttributeAtIndex(f, LLVMAttributeFunctionIndex,
				LLVMCreateEnumAttribute(l->ctx, id, 0));
}

static void drop_attr(LLVMValueRef f, const char *name)
{
	LLVMRemoveEnumAttributeAtIndex(f, LLVMAttributeFunctionIndex,
				       LLVMGetEnumAttributeKindForName(name, strlen(name)));
}

static void drop_string_attrs(struct lower *l, LLVMValueRef f)
{
	unsigned n = LLVMGetAttributeCountAtIndex(f, LLVMAttributeFunctionIndex), len;
	LLVMAttributeRef *attr = arena_array(l->a, n + 1, sizeof(*attr));

	LLVMGetAttributesAtIndex(f, LLVMAttributeFunctionIndex, attr);
	for (unsigned i = 0; i < n; i++) {
		const char *key;

		if (!LLVMIsStringAttribute(attr[i]))
			continue;
		key = LLVMGetStringAttributeKind(attr[i], &len);
		LLVMRemoveStringAttributeAtIndex(f, LLVMAttributeFunctionIndex, key, len);
	}
}

/* One set of attributes for all code, whatever the runtime was compiled with: else
 * LLVM refuses to inline one into the other. */
void module_set_attributes(struct module *m, LLVMValueRef f)
{
	struct lower *l = &m->l;
	const char *name = LLVMGetValueName(f);

	drop_string_attrs(l, f);
	drop_attr(f, "uwtable");
	lower_add_attr(l, f, "nounwind");
	LLVMAddTargetDependentFunctionAttr(f, "target-cpu", m->target.cpu);
	LLVMAddTargetDependentFunctionAttr(f, "target-features", m->target.features);
	if (!l->opts->hosted)
		lower_add_attr(l, f, "noimplicitfloat");
	if (!strncmp(name, "bpftime_h_", 10) || !strncmp(name, "body.", 5)) {
		drop_attr(f, "noinline");
		lower_add_attr(l, f, "alwaysinline");
	}
}

/* Each function gets a section of its own: the payload linker leaves out what nothing
 * refers to. */
static void set_sections(struct lower *l)
{
	for (LLVMValueRef f = LLVMGetFirstFunction(l->mod); f; f = LLVMGetNextFunction(f))
		if (!LLVMIsDeclaration(f))
			LLVMSetSection(f, arena_printf(l->a, ".text.%s", LLVMGetValueName(f)));
}

/* What lowering made, before the runtime joins it. */
static int check_ir(struct module *m)
{
	char *text = NULL;

	if (LLVMVerifyModule(m->l.mod, LLVMReturnStatusAction, &text))
		return module_internal_error(m, "bad IR", text);
	LLVMDisposeMessage(text);
	return 0;
}

static void open_lower(struct module *m, struct arena *a, LLVMContextRef ctx,
		       const struct unit *u, const struct compile_opts *opts, struct diags *dg)
{
	m->l = (struct lower){
		.ctx = ctx, .a = a, .u = u, .opts = opts, .dg = dg,
		.b = LLVMCreateBuilderInContext(ctx),
		.i1 = LLVMInt1TypeInContext(ctx), .i8 = LLVMInt8TypeInContext(ctx),
		.i16 = LLVMInt16TypeInContext(ctx), .i32 = LLVMInt32TypeInContext(ctx),
		.i64 = LLVMInt64TypeInContext(ctx), .ptr = LLVMPointerTypeInContext(ctx, 0),
		.void_ = LLVMVoidTypeInContext(ctx),
	};
	LLVMContextSetDiagnosticHandler(ctx, on_diagnostic, m);
}

int module_make(struct arena *a, LLVMContextRef ctx, const struct unit *u,
		const struct vfy_result *const *facts, const struct compile_opts *opts,
		bool no_rooms, struct module *m, struct diags *dg)
{
	struct lower_hook *hook = arena_array(a, u->n_prog + 1, sizeof(*hook));
	struct objfmt_stamp stamp;
	int r;

	*m = (struct module){ 0 };
	open_lower(m, a, ctx, u, opts, dg);
	if ((r = target_open(a, opts, &m->target, dg)) < 0 || (r = open_runtime(m)) < 0)
		return r;
	open_module(m);
	m->l.target = m->target.target->name;
	m->l.hook_cc = m->target.target->preserve_most ? CC_PRESERVE_MOST : LLVMCCallConv;
	m->l.hook = hook;
	m->l.no_rooms = no_rooms;
	for (size_t i = 0; i < u->n_prog; i++)
		stamp_prog_hash(u, &u->prog[i], hook[i].hash);
	tables_open(&m->l);
	if ((r = lower_maps(&m->l)) < 0)
		return r;
	debug_open(&m->l);
	for (size_t i = 0; i < u->n_prog; i++)
		if ((r = add_program(m, i, facts ? facts[i] : NULL, &hook[i])) < 0)
			return r;
	debug_close(&m->l);
	stamp_make(u, facts, opts, m->target.target->triple, m->target.cpu, &stamp);
	tables_close(&m->l, &stamp);
	lower_keep_done(&m->l);
	if ((r = check_ir(m)) < 0 || (r = link_runtime(m)) < 0)
		return r;
	for (LLVMValueRef f = LLVMGetFirstFunction(m->l.mod); f; f = LLVMGetNextFunction(f))
		if (!LLVMIsDeclaration(f))
			module_set_attributes(m, f);
	if ((r = module_optimise(m)) < 0)
		return r;
	set_sections(&m->l);
	return 0;
}

void module_close(struct module *m)
{
	debug_close(&m->l);
	if (m->l.b)
		LLVMDisposeBuilder(m->l.b);
	if (m->l.runtime)
		LLVMDisposeModule(m->l.runtime);
	if (m->l.mod)
		LLVMDisposeModule(m->l.mod);
	if (m->target.tm)
		LLVMDisposeTargetMachine(m->target.tm);
	*m = (struct module){ 0 };
}

int module_emit(struct module *m, LLVMCodeGenFileType type, struct bytes *out)
{
	LLVMMemoryBufferRef buf;
	char *err = NULL;

	if (LLVMTargetMachineEmitToMemoryBuffer(m->target.tm, m->l.mod, type, &err, &buf))
		return module_internal_error(m, "emit", err);
	out->n = LLVMGetBufferSize(buf);
	out->p = arena_dup(m->l.a, LLVMGetBufferStart(buf), out->n);
	LLVMDisposeMemoryBuffer(buf);
	return m->l.dg->errors ? -(int)m->l.dg->first : 0;
}
