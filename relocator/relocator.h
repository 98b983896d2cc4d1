/* SPDX-License-Identifier: MIT
 *
 * relocator.h - an ordinary clang/libbpf object becomes a unit.
 *
 * What a loader does before BPF_PROG_LOAD, without any bpf() call: read ELF and BTF,
 * collect maps and global data, name programs by SEC(), append subprograms, resolve
 * maps, data, functions, kconfig and ksym externs, apply CO-RE.  It does not verify. */
#ifndef BPFTIME_RELOCATOR_RELOCATOR_H
#define BPFTIME_RELOCATOR_RELOCATOR_H

#include "diag.h"
#include "unit.h"

#ifdef __cplusplus
extern "C" {
#endif

struct relocate_opts {
	const char *btf_path;		/* target BTF (raw or ELF); NULL: the running kernel's;
					 * "": none, of all types only struct pt_regs is known */
	const char *const *set;		/* "VAR=VALUE", n_set of them */
	size_t n_set;
	const char *kconfig_path;	/* CONFIG_* values, maybe gzipped; NULL: the running kernel's */
};

/* Reads `path`.  Returns 0 and *out (release with unit_free), or a negative diagnostic:
 * -DIAG_E001 unreadable, -DIAG_R... refused.  All input is hostile until checked. */
int relocate(const char *path, const struct relocate_opts *opts, struct unit **out,
	     struct diags *dg);

#ifdef __cplusplus
}
#endif
#endif
