/* SPDX-License-Identifier: MIT
 *
 * A build without the verifier compiles nothing but --unverified. */
#include "verify/verify.h"

int vfy_verify(struct arena *a, const struct unit *u, const struct unit_prog *p,
	       const struct vfy_opts *opts, struct vfy_result *out, struct diags *dg)
{
	(void)a;
	(void)opts;
	(void)out;
	return diag(dg, DIAG_I001, at_insn(u->path, p->name, -1, NULL), "built without the verifier");
}
