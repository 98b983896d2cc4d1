/* SPDX-License-Identifier: MIT
 *
 * Symbols that the object expects from outside. */
#include "obj.h"

int obj_ref_extern(struct obj *o, struct obj_func *f, uint32_t insn, uint32_t sym)
{
	return diag(o->dg, DIAG_R008, at_insn(o->path, f->name, insn, NULL), "'%s'",
		    o->sym[sym].name);
}
