/* SPDX-License-Identifier: MIT */
#include "cpu.h"

static const struct lnk_cpu *const cpus[] = { &lnk_cpu_x86_64 };

const struct lnk_cpu *lnk_cpu(uint16_t machine)
{
	for (size_t i = 0; i < sizeof(cpus) / sizeof(cpus[0]); i++)
		if (cpus[i]->machine == machine)
			return cpus[i];
	return NULL;
}
