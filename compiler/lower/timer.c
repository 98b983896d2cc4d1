/* SPDX-License-Identifier: MIT
 *
 * bpf_timer_set_callback: functions of the program that the runtime's thread calls.  Each has a
 * C-convention form and a row in the table bpftime_timers (runtime-min/timer.h), whose id stands in the
 * timer: other processes, and other payloads of the same object, know it too. */
#include <string.h>

#include "lower.h"
#include "tables.h"

enum { ROW_BYTES = 8, ROW_ID = 4 };

static struct loc at(const struct lower_func *f, uint32_t i)
{
	const struct unit *u = f->l->u;

	return at_insn(u->path, f->p->prog->name, i, unit_src(u, f->p->prog, i));
}

static uint32_t id_of(const struct lower_func *f)
{
	uint32_t id;

	memcpy(&id, f->l->hook[f->p->prog - f->l->u->prog].hash, sizeof(id));
	id ^= (f->start + 1) * 0x9e3779b1u;
	return id ? id : 1;
}

int lower_timer(struct lower_func *f, uint32_t i)
{
	struct lower *l = f->l;
	int32_t known = f->p->facts ? f->p->facts->insn[i].func : -1;
	LLVMTypeRef type = LLVMFunctionType(l->i64, (LLVMTypeRef[]){ l->ptr, l->i64 }, 2, 0);
	LLVMValueRef fn = lower_runtime(l, "bpftime_h_timer_set_callback", type);
	LLVMValueRef arg[2] = { reg_ptr(f, 1), lower_imm(l->i64, 0) }, reg = reg_get(f, 2);

	if (!fn)
		return diag(l->dg, DIAG_C003, at(f, i), "timer_set_callback: not in the runtime for %s",
			    l->target);
	if (l->no_rooms || l->opts->vm)
		return diag(l->dg, DIAG_C003, at(f, i), "timer_set_callback: a vm has no timers");
	for (size_t n = 1; n < f->p->prog->n_func; n++) {
		struct lower_func *to = &f->p->func[n];
		LLVMValueRef is;

		if (known >= 0 ? to->start != (uint32_t)known
			       : !to->callback || !lower_is_called(f->p, to))
			continue;
		to->timer = true;
		is = LLVMBuildICmp(l->b, LLVMIntEQ, reg, lower_imm(l->i64, LOWER_FUNC_ID(n)), "");
		arg[1] = LLVMBuildSelect(l->b, is, lower_imm(l->i64, id_of(to)), arg[1], "");
	}
	reg_set(f, 0, LLVMBuildCall2(l->b, type, fn, arg, 2, ""));
	return 0;
}

/* uint64_t (map, key, value) around a function of the program. */
static LLVMValueRef c_form(struct lower_func *f)
{
	struct lower *l = f->l;
	LLVMTypeRef type = LLVMFunctionType(l->i64, (LLVMTypeRef[]){ l->ptr, l->ptr, l->ptr }, 3, 0);
	LLVMValueRef fn = LLVMAddFunction(l->mod, arena_printf(l->a, "timer.%s.%s", f->p->prog->name, f->name),
					  type), arg[LOWER_SUB_ARGS];

	LLVMSetLinkage(fn, LLVMInternalLinkage);
	LLVMSetCurrentDebugLocation2(l->b, NULL);
	LLVMPositionBuilderAtEnd(l->b, LLVMAppendBasicBlockInContext(l->ctx, fn, ""));
	for (unsigned k = 0; k < 5; k++) {
		arg[k] = k < 3 ? LLVMBuildPtrToInt(l->b, LLVMGetParam(fn, k), l->i64, "") : lower_imm(l->i64, 0);
		arg[5 + k] = k < 3 ? LLVMGetParam(fn, k) : LLVMGetPoison(l->ptr);
	}
	arg[10] = lower_imm(l->i64, 0);
	arg[11] = LLVMGetPoison(l->ptr);
	if (f->p->locks) {
		arg[11] = LLVMBuildAlloca(l->b, l->i64, "");
		LLVMBuildStore(l->b, lower_imm(l->i64, 0), arg[11]);
	}
	LLVMBuildRet(l->b, LLVMBuildCall2(l->b, LLVMGlobalGetValueType(f->fn), f->fn, arg, LOWER_SUB_ARGS, ""));
	return fn;
}

void lower_timers(struct lower_prog *p)
{
	static const size_t rel[] = { 0 };

	for (size_t n = 1; n < p->prog->n_func; n++) {
		struct lower_func *f = &p->func[n];
		uint8_t row[ROW_BYTES] = { 0 };
		uint32_t id;
		LLVMValueRef fn;
		struct table t;

		if (!f->timer)
			continue;
		id = id_of(f);
		memcpy(row + ROW_ID, &id, sizeof(id));
		fn = c_form(f);
		t = table_new(p->l, arena_printf(p->l->a, "timer_row.%s.%s", p->prog->name, f->name),
			      "bpftime_timers", sizeof(row), rel, 1);
		table_fill(&t, row, &fn);
	}
}
