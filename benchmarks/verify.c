/* SPDX-License-Identifier: MIT
 *
 * bench_verify [-n ROUNDS] OBJECT...: how long our verifier and the kernel's take for the same
 * programs, in the same rounds.
 *
 * Every round verifies every program once here (the function, in a warm process) and once in the
 * kernel, whose own figure for its verifier ("verification time" of its log) is taken: no system
 * call, no JIT, no map creation in it.  Medians.  Without the right to load programs the
 * kernel's column stays empty. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "relocator.h"
#include "verify/verify.h"

enum { MAX_ROUNDS = 1000, MAX_PROGS = 256, LOG_STATS = 4, LOG_BYTES = 1 << 16 };

struct prog {
	const struct unit *u;
	const struct unit_prog *p;
	double here[MAX_ROUNDS], kernel[MAX_ROUNDS];
	unsigned n_here, n_kernel;
	uint64_t processed, kernel_processed;
	int verdict;
};

static struct prog progs[MAX_PROGS];
static size_t n_prog;

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int open_object(const char *path)
{
	struct relocate_opts ro = { 0 };
	struct diags dg = { .out = stderr };
	struct unit *u;

	if (relocate(path, &ro, &u, &dg) < 0)
		return 1;
	for (size_t i = 0; i < u->n_prog && n_prog < MAX_PROGS; i++)
		progs[n_prog++] = (struct prog){ .u = u, .p = &u->prog[i] };
	return 0;
}

static void verify_here(struct prog *p)
{
	struct vfy_opts opts = { 0 };
	struct vfy_result res;
	struct diags dg = { 0 };
	struct arena *a = arena_new();
	double from = now_us();

	p->verdict = vfy_verify(a, p->u, p->p, &opts, &res, &dg);
	p->here[p->n_here++] = now_us() - from;
	p->processed = res.insns_processed;
	arena_free(a);
}

static int silent(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	(void)level;
	(void)fmt;
	(void)ap;
	return 0;
}

/* Only this program of the object is loaded. */
static void verify_in_kernel(struct prog *p)
{
	static char log[LOG_BYTES];
	struct bpf_object *o = bpf_object__open_file(p->u->path, NULL);
	struct bpf_program *each;
	const char *time, *insns;

	if (!o)
		return;
	log[0] = 0;
	bpf_object__for_each_program(each, o) {
		bool this = !strcmp(bpf_program__name(each), p->p->name);

		bpf_program__set_autoload(each, this);
		if (!this)
			continue;
		bpf_program__set_log_level(each, LOG_STATS);
		bpf_program__set_log_buf(each, log, sizeof(log));
	}
	if (!bpf_object__load(o) && (time = strstr(log, "verification time ")) &&
	    (insns = strstr(log, "processed "))) {
		p->kernel[p->n_kernel++] = strtod(time + strlen("verification time "), NULL);
		p->kernel_processed = strtoull(insns + strlen("processed "), NULL, 10);
	}
	bpf_object__close(o);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double at(double *v, unsigned n, unsigned percent)
{
	qsort(v, n, sizeof(*v), by_value);
	return v[(n - 1) * percent / 100];
}

static void report(struct prog *p)
{
	printf("%-14s %-24s %6u %-7s %10" PRIu64 " %8.1f %8.1f", p->u->name, p->p->name, p->p->n_insn,
	       p->verdict < 0 ? "refused" : "ok", p->processed, at(p->here, p->n_here, 50),
	       at(p->here, p->n_here, 90));
	if (p->n_kernel)
		printf(" %10" PRIu64 " %8.1f %8.1f", p->kernel_processed, at(p->kernel, p->n_kernel, 50),
		       at(p->kernel, p->n_kernel, 90));
	printf("\n");
}

int main(int argc, char **argv)
{
	unsigned rounds = 51;
	int i = 1;

	if (argc > 2 && !strcmp(argv[1], "-n")) {
		rounds = (unsigned)strtoul(argv[2], NULL, 10);
		i = 3;
	}
	if (i >= argc || !rounds || rounds > MAX_ROUNDS) {
		fprintf(stderr, "usage: bench_verify [-n ROUNDS] OBJECT...\n");
		return 2;
	}
	libbpf_set_print(silent);
	for (; i < argc; i++)
		if (open_object(argv[i]))
			return 1;
	for (unsigned r = 0; r < rounds; r++)
		for (size_t k = 0; k < n_prog; k++) {
			verify_here(&progs[k]);
			verify_in_kernel(&progs[k]);
		}
	printf("%-14s %-24s %6s %-7s %10s %8s %8s %10s %8s %8s\n", "object", "program", "insns", "verdict",
	       "processed", "here us", "p90", "processed", "kernel", "p90");
	for (size_t k = 0; k < n_prog; k++)
		report(&progs[k]);
	return 0;
}
