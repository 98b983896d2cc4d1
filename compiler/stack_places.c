/* SPDX-License-Identifier: MIT
 *
 * The optimiser computes the address of a place on the stack once, where the program first needs it, and the
 * code generator keeps it in a register until the last use: often an argument of a call that hardly ever
 * happens, as when a lookup has lost its way.  An entry saves and restores each register it uses.  So after
 * optimising, each block that uses such an address computes it, which is one addition or none. */
#include "module.h"

static bool is_place(LLVMValueRef v)
{
	int n = LLVMGetNumOperands(v);

	if (LLVMGetInstructionOpcode(v) != LLVMGetElementPtr || !LLVMIsAAllocaInst(LLVMGetOperand(v, 0)))
		return false;
	for (int i = 1; i < n; i++)
		if (!LLVMIsAConstantInt(LLVMGetOperand(v, (unsigned)i)))
			return false;
	return true;
}

/* Uses in phis stay: they belong to the edge. */
static void use_near(struct lower *l, LLVMValueRef place)
{
	LLVMUseRef next;

	for (LLVMUseRef u = LLVMGetFirstUse(place); u; u = next) {	/* a user's other uses go with the first one */
		LLVMValueRef user = LLVMGetUser(u), near;
		int n = LLVMGetNumOperands(user);

		for (next = LLVMGetNextUse(u); next && LLVMGetUser(next) == user;)
			next = LLVMGetNextUse(next);
		if (LLVMIsAPHINode(user) || LLVMGetInstructionParent(user) == LLVMGetInstructionParent(place))
			continue;
		near = LLVMInstructionClone(place);
		LLVMPositionBuilderBefore(l->b, user);
		LLVMInsertIntoBuilder(l->b, near);
		for (int i = 0; i < n; i++)
			if (LLVMGetOperand(user, (unsigned)i) == place)
				LLVMSetOperand(user, (unsigned)i, near);
	}
}

void stack_places_near(struct module *m)
{
	struct lower *l = &m->l;

	for (LLVMValueRef f = LLVMGetFirstFunction(l->mod); f; f = LLVMGetNextFunction(f))
		for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(f); b; b = LLVMGetNextBasicBlock(b))
			for (LLVMValueRef i = LLVMGetFirstInstruction(b); i; i = LLVMGetNextInstruction(i))
				if (is_place(i))
					use_near(l, i);
}
