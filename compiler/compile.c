/* SPDX-License-Identifier: MIT */
#include "compiler.h"

#include <string.h>

#include "module.h"

static int compile(struct arena *a, const struct unit *u, const struct vfy_result *const *facts,
		   const struct compile_opts *opts, LLVMCodeGenFileType type, bool ir,
		   struct bytes *out, struct diags *dg)
{
	LLVMContextRef ctx = LLVMContextCreate();
	struct module m;
	int r = module_make(a, ctx, u, facts, opts, false, &m, dg);

	if (r >= 0 && ir) {
		char *text = LLVMPrintModuleToString(m.l.mod);

		out->n = strlen(text);
		out->p = arena_dup(a, text, out->n);
		LLVMDisposeMessage(text);
	} else if (r >= 0) {
		r = module_emit(&m, type, out);
	}
	module_close(&m);
	LLVMContextDispose(ctx);
	return r;
}

int compile_object(struct arena *a, const struct unit *u, const struct vfy_result *const *facts,
		   const struct compile_opts *opts, struct bytes *out, struct diags *dg)
{
	return compile(a, u, facts, opts, LLVMObjectFile, false, out, dg);
}

int compile_asm(struct arena *a, const struct unit *u, const struct vfy_result *const *facts,
		const struct compile_opts *opts, struct bytes *out, struct diags *dg)
{
	return compile(a, u, facts, opts, LLVMAssemblyFile, false, out, dg);
}

int compile_ir(struct arena *a, const struct unit *u, const struct vfy_result *const *facts,
	       const struct compile_opts *opts, struct bytes *out, struct diags *dg)
{
	return compile(a, u, facts, opts, LLVMAssemblyFile, true, out, dg);
}
