/* SPDX-License-Identifier: MIT */
#include "debuginfo.h"

#include <llvm-c/DebugInfo.h>
#include <string.h>

#include "opts.h"

enum { DWARF_VERSION = 5 };

struct debug {
	LLVMDIBuilderRef b;
	LLVMMetadataRef  unit, type;	/* type: of a function that takes and returns nothing */
	LLVMMetadataRef  scope;		/* of the function being built */
	const char      *file;		/* that scope's */
};

static LLVMMetadataRef file_of(struct debug *d, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	size_t dir = slash ? (size_t)(slash - path) : 0;

	return LLVMDIBuilderCreateFile(d->b, name, strlen(name), dir ? path : ".", dir ? dir : 1);
}

static void flag(struct lower *l, const char *name, unsigned value)
{
	LLVMAddModuleFlag(l->mod, LLVMModuleFlagBehaviorWarning, name, strlen(name),
			  LLVMValueAsMetadata(LLVMConstInt(l->i32, value, 0)));
}

/* The first source file that any line names. */
static const char *main_file(const struct unit *u)
{
	for (size_t i = 0; i < u->n_prog; i++)
		for (size_t k = 0; k < u->prog[i].n_line; k++)
			if (u->prog[i].line[k].file[0])
				return u->prog[i].line[k].file;
	return u->path;
}

void debug_open(struct lower *l)
{
	static const char producer[] = "bpftime-aot " BPFTIME_VERSION;
	struct debug *d;

	if (!l->opts->debug)
		return;
	d = l->debug = arena_alloc(l->a, sizeof(*d));
	d->b = LLVMCreateDIBuilder(l->mod);
	d->unit = LLVMDIBuilderCreateCompileUnit(
		d->b, LLVMDWARFSourceLanguageC11, file_of(d, main_file(l->u)), producer,
		sizeof(producer) - 1, 1, "", 0, 0, "", 0, LLVMDWARFEmissionFull, 0, 0, 0, "", 0,
		"", 0);
	d->type = LLVMDIBuilderCreateSubroutineType(d->b, file_of(d, main_file(l->u)), NULL, 0,
						    LLVMDIFlagZero);
	flag(l, "Debug Info Version", LLVMDebugMetadataVersion());
	flag(l, "Dwarf Version", DWARF_VERSION);
}

void debug_close(struct lower *l)
{
	if (!l->debug)
		return;
	LLVMDIBuilderFinalize(l->debug->b);
	LLVMDisposeDIBuilder(l->debug->b);
	l->debug = NULL;
	LLVMSetCurrentDebugLocation2(l->b, NULL);
}

void debug_function(struct lower *l, LLVMValueRef fn, const char *name,
		    const struct unit_prog *p, uint32_t insn)
{
	const struct unit_line *line = unit_line_at(p, insn);
	struct debug *d = l->debug;
	LLVMMetadataRef file;

	if (!d)
		return;
	d->file = line && line->file[0] ? line->file : main_file(l->u);
	file = file_of(d, d->file);
	d->scope = LLVMDIBuilderCreateFunction(d->b, file, name, strlen(name), "", 0, file,
					       line ? line->line : 0, d->type, 1, 1,
					       line ? line->line : 0, LLVMDIFlagZero, 1);
	LLVMSetSubprogram(fn, d->scope);
	debug_at(l, p, insn);
}

void debug_at(struct lower *l, const struct unit_prog *p, uint32_t insn)
{
	const struct unit_line *line = unit_line_at(p, insn);
	struct debug *d = l->debug;
	LLVMMetadataRef scope;

	if (!d)
		return;
	scope = d->scope;
	if (line && line->file[0] && strcmp(line->file, d->file))	/* inlined from a header */
		scope = LLVMDIBuilderCreateLexicalBlockFile(d->b, scope, file_of(d, line->file), 0);
	LLVMSetCurrentDebugLocation2(l->b, LLVMDIBuilderCreateDebugLocation(
					     l->ctx, line ? line->line : 0, line ? line->col : 0,
					     scope, NULL));
}
