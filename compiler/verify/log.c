/* SPDX-License-Identifier: MIT
 *
 * log.c - what the verifier knew at each instruction, for --log. */
#include "vfy.h"

#include <inttypes.h>

/* One line for an instruction that was just processed: what it left in the registers it
 * may have changed. */
void log_insn(struct vfy *v, uint32_t pc, const uint32_t def[N_REGS])
{
	const char *src = unit_src(v->u, v->p, pc);
	char text[128];

	if (!v->opts->log || !v->dg->out)
		return;
	vfy_insn_text(v->u, v->p, pc, text, sizeof(text));
	fprintf(v->dg->out, "%5" PRIu32 ": %-40s", pc, text);
	for (unsigned r = 0; r < BPFI_R10; r++) {
		const struct reg *reg = reg_of(v, r);

		if (reg->type != REG_NONE && reg->def != def[r])
			fprintf(v->dg->out, " r%u: %s;", r, reg_text(v, reg));
	}
	fprintf(v->dg->out, "%s%s\n", src ? "  ; " : "", src ? src : "");
}

void log_path(struct vfy *v, const char *why)
{
	if (v->opts->log && v->dg->out)
		fprintf(v->dg->out, "%5" PRIu32 ": %s\n", v->cur->pc, why);
}
