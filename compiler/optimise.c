/* SPDX-License-Identifier: MIT
 *
 * optimise.c - LLVM's passes, and ours behind them.
 *
 * At -O3 hooks have a pipeline of their own: LLVM 19's default<O3> (PassBuilderPipelines.cpp) in its order, with these
 * differences, after which code is as fast and a little smaller, and a small object takes a seventh less time:
 *
 *     - The runtime's functions are inlined first, not after a round of simplifying them: their maps are constants only
 *       then, and most of their code is gone with the next pass.
 *     - Nothing that needs vector registers, coroutines, OpenMP, floating point, profiles or a libc.
 *     - clang has been over the program, and the runtime was simplified when it was built: instructions are combined
 *       where that finds something, not between all passes. */
#include "module.h"

#include <llvm-c/Transforms/PassBuilder.h>

#define COMBINE "instcombine<max-iterations=1;no-verify-fixpoint>"
#define BRANCHES "simplifycfg<switch-range-to-icmp>"
#define BRANCHES_SHARE "simplifycfg<switch-range-to-icmp;hoist-common-insts;sink-common-insts>"
#define BRANCHES_LAST                                                                                              \
	"simplifycfg<forward-switch-cond;switch-range-to-icmp;switch-to-lookup;no-keep-loops;hoist-common-insts;"  \
	"sink-common-insts>"

#define FIRST "lower-expect,sroa<modify-cfg>,early-cse<>"
#define LOOPS                                                                                                      \
	"loop-mssa(loop-instsimplify,loop-simplifycfg,licm<no-allowspeculation>,loop-rotate,"                      \
	"licm<allowspeculation>,simple-loop-unswitch<nontrivial;trivial>)," BRANCHES "," COMBINE ","               \
	"loop(loop-idiom,indvars,simple-loop-unswitch<nontrivial;trivial>,loop-deletion,loop-unroll-full)"
#define SIMPLIFY                                                                                                   \
	"sroa<modify-cfg>,early-cse<memssa>,jump-threading,correlated-propagation," BRANCHES ",tailcallelim,"      \
	"reassociate,constraint-elimination," LOOPS ",sroa<modify-cfg>,mldst-motion,gvn<>,sccp,bdce," COMBINE ","  \
	"jump-threading,correlated-propagation,adce,memcpyopt,dse,loop-mssa(licm<allowspeculation>),"              \
	BRANCHES_SHARE
#define LAST                                                                                                       \
	"lower-constant-intrinsics,loop(loop-rotate,loop-deletion),infer-alignment,loop-load-elim,"                \
	BRANCHES_LAST ",loop-unroll<O3>," COMBINE ","                                                              \
	"loop-mssa(licm<allowspeculation>),loop-sink,instsimplify,div-rem-pairs,simplifycfg<speculate-unpredictables>"

static const char hook_o3[] =
	"globaldce,always-inline,globaldce,function<eager-inv>(" FIRST "),ipsccp,globalopt,"
	"function<eager-inv>(" COMBINE "," BRANCHES "),require<globals-aa>,"
	"cgscc(devirt<4>(inline,function-attrs<skip-non-recursive-function-attrs>,"
	"function<eager-inv;no-rerun>(" SIMPLIFY "))),"
	"deadargelim,globalopt,globaldce,function<eager-inv>(" LAST "),globaldce,constmerge";

static const char *pipeline(const struct compile_opts *o)
{
	static const char *const by_level[] = {
		"globaldce,default<O0>", "globaldce,default<O1>", "globaldce,default<O2>", "globaldce,default<O3>",
	};

	return o->opt_level >= 3 && !o->hosted ? hook_o3 : by_level[o->opt_level & 3];
}

int module_optimise(struct module *m)
{
	LLVMPassBuilderOptionsRef o = LLVMCreatePassBuilderOptions();
	LLVMErrorRef err = LLVMRunPasses(m->l.mod, pipeline(m->l.opts), m->target.tm, o);

	LLVMDisposePassBuilderOptions(o);
	if (err) {
		char *text = LLVMGetErrorMessage(err);

		diag(m->l.dg, DIAG_I001, at_file(m->l.u->path), "passes: %s", text);
		LLVMDisposeErrorMessage(text);
		return -DIAG_I001;
	}
	if (!m->l.opts->hosted)
		libcalls_expand(m);
	stack_places_near(m);
	blocks_in_order(m);
	return m->l.dg->errors ? -(int)m->l.dg->first : 0;
}
