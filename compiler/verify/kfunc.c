/* SPDX-License-Identifier: MIT
 *
 * kfunc.c - calls of kernel functions, checked by their rows of abi/kfuncs.def. */
#include "vfy_call.h"

const struct helper_proto *called_kfunc(const struct vfy *v, const struct bpfi *in)
{
	return in->src == BPFI_CALL_KFUNC ? unit_callee(v->u, in) : NULL;
}

int step_kfunc(struct vfy *v, const struct bpfi *in)
{
	struct call c = { .h = called_kfunc(v, in), .id = CALL_KFUNC, .map = -1 };
	int r;

	if (!c.h)
		return refuse(v, DIAG_V036, "%s", v->u->kfunc[in->imm]);
	if (c.h->refused)
		return refuse(v, DIAG_V028, "%s: %s", c.h->name, c.h->refused);
	if (c.h->sleeps && !(v->p->flags & SEC_SLEEPABLE))
		return refuse(v, DIAG_V018, "bpf_%s may sleep; the program may not", c.h->name);
	if (!(c.h->progs & 1u << v->p->type))
		return refuse(v, DIAG_V018, "bpf_%s is not for %s programs", c.h->name,
			      prog_type_name(v->p->type));
	if (iter_bytes(c.h->arg[0]))
		return step_iter(v, c.h);
	if ((r = check_unlocked(v, "a call of a kernel function")) < 0)
		return r;
	if ((r = check_args(v, &c)) < 0)
		return r;
	return finish_call(v, &c, false);
}
