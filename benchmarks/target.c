/* SPDX-License-Identifier: MIT
 *
 * bench_target ENTRY MILLISECONDS, bench_calls ENTRY MILLISECONDS: calls bench_<ENTRY> in batches for that long, and
 * prints
 *
 *     nanoseconds a call (the median batch)   calls made
 *
 * A ring buffer that the hook fills is emptied between batches: BENCH_RING_FD (inherited) or
 * BENCH_RING (a glob of a file's path) names it, BENCH_RING_OFF says where in it the
 * consumer page is. */
#include <fcntl.h>
#include <glob.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { MAX_BATCHES = 4096, RING_RECORD_BYTES = 24, RING_BYTES = 1 << 22, PAGE = 4096 };

typedef long entry_fn(long, const char *);

/* Two programs: one that makes system calls of its own, and one that does not. */
#ifdef BENCH_CALLS
#define ENTRIES(x_) x_(syscall) x_(anycall)
#else
#define ENTRIES(x_)                                                               \
	x_(push) x_(push_counter) x_(push_atomic)                                 \
	x_(nop5) x_(nop5_counter) x_(nop5_atomic)                                 \
	x_(step) x_(step_counter) x_(step_atomic)                                 \
	x_(work) x_(work_counter) x_(work_atomic) x_(usdt)
#endif
#define DECLARE(name_) entry_fn bench_##name_;
ENTRIES(DECLARE)

static const struct {
	const char *name;
	entry_fn *fn;
} entries[] = {
#define ROW(name_) { #name_, bench_##name_ },
	ENTRIES(ROW)
};

static volatile uint64_t *consumer_pos;
static const volatile uint64_t *producer_pos;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int ring_fd(void)
{
	const char *fd = getenv("BENCH_RING_FD"), *path = getenv("BENCH_RING");
	glob_t g;
	int r = -1;

	if (fd)
		return atoi(fd);
	if (path && !glob(path, 0, NULL, &g) && g.gl_pathc == 1)
		r = open(g.gl_pathv[0], O_RDWR);
	if (path && r < 0) {
		perror(path);
		exit(1);
	}
	return r;
}

/* The kernel gives the consumer page writable and the producer page only to read. */
static void map_ring(void)
{
	const char *off_text = getenv("BENCH_RING_OFF");
	off_t off = off_text ? atol(off_text) : 0;
	int fd = ring_fd();
	void *c, *p;

	if (fd < 0)
		return;
	c = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, off);
	p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, off + PAGE);
	if (c == MAP_FAILED || p == MAP_FAILED) {
		perror("ring");
		exit(1);
	}
	consumer_pos = c;
	producer_pos = p;
}

static uint64_t batch(entry_fn *fn, uint64_t n)
{
	static const char text[4096] = "benchmark";
	uint64_t begin = now_ns();

	for (uint64_t i = 0; i < n; i++)
		fn((long)i, text);
	begin = now_ns() - begin;
	if (consumer_pos)
		__atomic_store_n(consumer_pos, *producer_pos, __ATOMIC_RELEASE);
	return begin;
}

static int by_value(const void *x, const void *y)
{
	double a = *(const double *)x, b = *(const double *)y;

	return (a > b) - (a < b);
}

int main(int argc, char **argv)
{
	static double ns[MAX_BATCHES];
	uint64_t calls = 1, n = 64, end, took;
	entry_fn *fn = NULL;
	size_t batches = 0;

	for (size_t i = 0; argc == 3 && i < sizeof(entries) / sizeof(entries[0]); i++)
		if (!strcmp(argv[1], entries[i].name))
			fn = entries[i].fn;
	if (!fn) {
		fprintf(stderr, "usage: %s ENTRY MILLISECONDS\n", argv[0]);
		return 2;
	}
	batch(fn, 1);	/* the first hit initialises */
	map_ring();
	/* Batches of about 200 us: long against reading the clock, short against a time slice. */
	do {
		n *= 2;
		took = batch(fn, n);
		calls += n;
	} while (took < 200000 && n * 2 * RING_RECORD_BYTES < RING_BYTES / 2);
	end = now_ns() + (uint64_t)atol(argv[2]) * 1000000;
	do {
		ns[batches++] = (double)batch(fn, n) / (double)n;
		calls += n;
	} while (now_ns() < end && batches < MAX_BATCHES);
	qsort(ns, batches, sizeof(ns[0]), by_value);
	printf("%.4f %llu\n", ns[batches / 2], (unsigned long long)calls);
	return 0;
}
