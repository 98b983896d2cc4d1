// SPDX-License-Identifier: MIT
// usage: verify_objects X.bpf.o...
// A line for each program: object, program, section, kernel's verdict, ours, instructions,
// instructions processed here, microseconds here, and our reason where we refuse.
#include <cinttypes>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <string>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "relocator.h"
#include "verify.h"

static int silent(enum libbpf_print_level, const char *, va_list) { return 0; }

// Loads only that program of the object.
static const char *kernel_verdict(const char *path, const char *name)
{
	struct bpf_object *o = bpf_object__open_file(path, nullptr);
	struct bpf_program *p;
	struct bpf_map *m;
	int r;

	if (!o)
		return "unreadable";
	bpf_object__for_each_program(p, o)
		bpf_program__set_autoload(p, !strcmp(bpf_program__name(p), name));
	bpf_object__for_each_map(m, o) {
		if (!bpf_map__max_entries(m))
			bpf_map__set_max_entries(m, 1024);
		if (!bpf_map__value_size(m) && bpf_map__type(m) == BPF_MAP_TYPE_STACK_TRACE)
			bpf_map__set_value_size(m, 127 * 8);
	}
	r = bpf_object__load(o);
	bpf_object__close(o);
	return r ? "reject" : "accept";
}

int main(int argc, char **argv)
{
	unsigned n = 0, kernel = 0, both = 0, only = 0;

	libbpf_set_print(silent);
	for (int i = 1; i < argc; i++) {
		struct relocate_opts ro = {};
		struct diags dg = {};
		struct unit *u;

		if (relocate(argv[i], &ro, &u, &dg) < 0) {
			printf("%s\t-\t-\t-\t-\t0\t0\t0\t%s %s\n", argv[i], diag_name(dg.first), dg.first_text);
			continue;
		}
		for (size_t k = 0; k < u->n_prog; k++) {
			struct vfy_opts opts = {};
			struct vfy_result res;
			struct diags one = {};
			struct arena *a = arena_new();
			bool ours = vfy_verify(a, u, &u->prog[k], &opts, &res, &one) == 0;
			const char *theirs = kernel_verdict(argv[i], u->prog[k].name);
			bool accepted = !strcmp(theirs, "accept");
			printf("%s\t%s\t%s\t%s\t%s\t%u\t%" PRIu64 "\t%" PRIu64 "\t%s %s at %lld\n", u->name, u->prog[k].name,
			       u->prog[k].sec, theirs, ours ? "accept" : "reject", u->prog[k].n_insn, res.insns_processed,
			       res.usec, ours ? "" : diag_name(one.first), one.first_text, (long long)one.first_insn);
			n++;
			kernel += accepted;
			both += accepted && ours;
			only += ours && !accepted;
			arena_free(a);
		}
		unit_free(u);
	}
	fprintf(stderr, "%u programs; the kernel accepts %u, of which we accept %u; only we accept %u\n", n, kernel, both, only);
	return 0;
}
