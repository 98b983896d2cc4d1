/* SPDX-License-Identifier: MIT
 *
 * bench_ops OBJECT PROCESSES MILLISECONDS: runs the object's XDP program by BPF_PROG_TEST_RUN in that many
 * processes at once, and prints the nanoseconds a run, as the kernel times it: median batch, mean of
 * the processes.
 *
 * bench_ops FLOOR MILLISECONDS: what the machine itself takes for lock (one atomic add) or vdso (one
 * clock_gettime), net of an empty loop. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_BATCHES = 4096, REPEAT = 20000, MAX_PROCESSES = 64, PAGE = 4096 };

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int by_value(const void *x, const void *y)
{
	double a = *(const double *)x, b = *(const double *)y;

	return (a > b) - (a < b);
}

struct job {
	int prog;
	uint64_t *consumer;		/* of a ring buffer, or NULL */
	const uint64_t *producer;
	const char *floor;
};

static uint64_t counter;

static double batch(const struct job *j)
{
	char packet[64] = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = packet, .data_size_in = sizeof(packet), .repeat = REPEAT);
	uint64_t begin = now_ns();
	struct timespec t;

	if (!j->floor) {
		if (bpf_prog_test_run_opts(j->prog, &o))
			return -1;
		begin = now_ns() - (uint64_t)o.duration * REPEAT;
	} else if (!strcmp(j->floor, "lock")) {
		for (int i = 0; i < REPEAT; i++)
			__asm__ volatile("lock incq %0" : "+m"(counter));
	} else {
		for (int i = 0; i < REPEAT; i++)
			clock_gettime(CLOCK_MONOTONIC, &t);
	}
	begin = now_ns() - begin;
	if (j->consumer)
		__atomic_store_n(j->consumer, *(const volatile uint64_t *)j->producer, __ATOMIC_RELEASE);
	return (double)begin / REPEAT;
}

static double median(const struct job *j, uint64_t ms)
{
	static double ns[MAX_BATCHES];
	uint64_t end = now_ns() + ms * 1000000;
	size_t n = 0;

	batch(j);
	do {
		ns[n] = batch(j);
	} while (ns[n++] >= 0 && now_ns() < end && n < MAX_BATCHES);
	qsort(ns, n, sizeof(ns[0]), by_value);
	return ns[0] < 0 ? -1 : ns[n / 2];
}

static int at_once(const struct job *j, int processes, uint64_t ms)
{
	double *ns = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0), sum = 0;

	for (int i = 0; i < processes; i++)
		if (!fork()) {
			ns[i] = median(j, ms);
			_exit(0);
		}
	while (wait(NULL) > 0)
		;
	for (int i = 0; i < processes; i++) {
		if (ns[i] < 0)
			return 1;
		sum += ns[i];
	}
	printf("%.4f\n", sum / processes);
	return 0;
}

int main(int argc, char **argv)
{
	struct job j = { .prog = -1 };
	struct bpf_object *obj;
	struct bpf_map *ring;
	int fd;

	if (argc == 3) {
		j.floor = argv[1];
		printf("%.4f\n", median(&j, strtoull(argv[2], NULL, 0)));
		return 0;
	}
	if (argc != 4 || atoi(argv[2]) < 1 || atoi(argv[2]) > MAX_PROCESSES)
		return 2;
	libbpf_set_print(NULL);
	obj = bpf_object__open_file(argv[1], NULL);
	if (!obj || bpf_object__load(obj))
		return 1;
	j.prog = bpf_program__fd(bpf_object__next_program(obj, NULL));
	ring = bpf_object__find_map_by_name(obj, "records");
	if (ring) {
		fd = bpf_map__fd(ring);
		j.consumer = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		j.producer = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, PAGE);
		if (j.consumer == MAP_FAILED || j.producer == MAP_FAILED)
			return 1;
	}
	return at_once(&j, atoi(argv[2]), strtoull(argv[3], NULL, 0));
}
