/* SPDX-License-Identifier: MIT */
#include "disasm.h"

#include <llvm-c/Disassembler.h>

#include "target.h"

int disasm(const char *triple, struct bytes code,
	   void (*line)(void *arg, size_t off, size_t n, const char *text), void *arg,
	   struct diags *dg)
{
	LLVMDisasmContextRef d;

	target_initialise();
	d = LLVMCreateDisasm(triple, NULL, 0, NULL, NULL);
	if (!d)
		return diag(dg, DIAG_C006, at_file(triple), "cannot be disassembled");
	for (size_t off = 0, n; off < code.n; off += n) {
		char text[128], *p = text;

		n = LLVMDisasmInstruction(d, (uint8_t *)code.p + off, code.n - off, off, text,
					  sizeof(text));
		while (*p == '\t' || *p == ' ')
			p++;
		for (char *tab = p; *tab; tab++)
			if (*tab == '\t')
				*tab = ' ';
		line(arg, off, n ? n : 1, n ? p : "(bad)");
		if (!n)
			n = 1;
	}
	LLVMDisasmDispose(d);
	return 0;
}
