// SPDX-License-Identifier: MIT
// Blocks lie as a compiler writes them from source, in whatever order they were.
#include <gtest/gtest.h>
#include <llvm-c/IRReader.h>

#include <cstring>
#include <string>

extern "C" {
#include "module.h"
}

namespace {

std::string ordered(const char *ir)
{
	LLVMContextRef ctx = LLVMContextCreate();
	LLVMMemoryBufferRef text = LLVMCreateMemoryBufferWithMemoryRangeCopy(ir, strlen(ir), "ir");
	struct module m = {};
	char *error = nullptr;
	std::string names;

	m.l.a = arena_new();
	if (LLVMParseIRInContext(ctx, text, &m.l.mod, &error))
		return error;
	blocks_in_order(&m);
	LLVMValueRef f = LLVMGetFirstFunction(m.l.mod);
	for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(f); b; b = LLVMGetNextBasicBlock(b))
		names += std::string(names.empty() ? "" : " ") + LLVMGetBasicBlockName(b);
	LLVMDisposeModule(m.l.mod);
	LLVMContextDispose(ctx);
	arena_free(m.l.a);
	return names;
}

TEST(BlockOrder, LoopsLieBehindWhatReturns)
{
	EXPECT_EQ(ordered("define i64 @f(i64 %n) {\n"
			  "entry: br label %head\n"
			  "body: br label %head\n"
			  "out: ret i64 %n\n"
			  "head: %c = icmp eq i64 %n, 0\n br i1 %c, label %out, label %body\n"
			  "}\n"),
		  "entry out head body");
}

TEST(BlockOrder, ArmsLieAsTheSwitchNamesThem)
{
	EXPECT_EQ(ordered("define i64 @f(i64 %n) {\n"
			  "entry: br label %loop\n"
			  "nowhere: br label %loop\n"
			  "next: br label %loop\n"
			  "two: br label %next\n"
			  "end: ret i64 %n\n"
			  "one: br label %next\n"
			  "loop: switch i64 %n, label %end [ i64 1, label %one i64 2, label %two ]\n"
			  "}\n"),
		  "entry end loop one two next nowhere");
}

}
