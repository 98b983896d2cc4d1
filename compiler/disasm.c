/* SPDX-License-Identifier: MIT */
#include "disasm.h"

#include <llvm-c/Disassembler.h>
#include <stdio.h>
#include <string.h>

#include "target.h"

/* LLVM gives some prefixes as instructions of their own. */
static bool is_prefix(const char *text)
{
	return !strcmp(text, "lock") || !strcmp(text, "rep") || !strcmp(text, "repne");
}

/* One instruction at `off`; returns its length, 0 when there is none. */
static size_t decode(LLVMDisasmContextRef d, struct bytes code, size_t off, char *text, size_t cap)
{
	char raw[128], *p = raw;
	size_t n = LLVMDisasmInstruction(d, (uint8_t *)code.p + off, code.n - off, off, raw,
					 sizeof(raw));

	while (*p == '\t' || *p == ' ')
		p++;
	for (char *tab = p; *tab; tab++)
		if (*tab == '\t')
			*tab = ' ';
	snprintf(text, cap, "%s", n ? p : "(bad)");
	return n;
}

int disasm(const char *triple, struct bytes code,
	   void (*line)(void *arg, size_t off, size_t n, const char *text), void *arg,
	   struct diags *dg)
{
	const struct target *t = target_of_triple(triple);
	LLVMDisasmContextRef d;
	char text[160], rest[128];

	target_initialise();
	d = t ? LLVMCreateDisasmCPUFeatures(t->triple, t->cpu, t->vector_features, NULL, 0, NULL,
					    NULL) : NULL;
	if (!d)
		return diag(dg, DIAG_C006, at_file(triple), "cannot be disassembled");
	for (size_t off = 0, n, more; off < code.n; off += n) {
		n = decode(d, code, off, text, sizeof(text));
		if (n && is_prefix(text) && off + n < code.n &&
		    (more = decode(d, code, off + n, rest, sizeof(rest)))) {
			n += more;
			snprintf(text + strlen(text), sizeof(text) - strlen(text), " %s", rest);
		}
		n = n ? n : 1;
		line(arg, off, n, text);
	}
	LLVMDisasmDispose(d);
	return 0;
}
