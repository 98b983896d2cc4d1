/* SPDX-License-Identifier: MIT
 *
 * bench_consume FILE|fd:N OFF: reads the BPF ring buffer (2^22 bytes) at OFF of the file once a
 * millisecond, looks at every record, and prints at SIGTERM
 *
 *     records   bytes that the calls moved   records that found no room (interpose.c)
 *
 * The same consumer for everybody who is compared. */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, RING_BYTES = 1 << 22, LEN_AT = 16, HEADER_BYTES = 8 };
static const uint32_t busy = 1u << 31, discard = 1u << 30;

static volatile sig_atomic_t ended;
static uint64_t records, moved;

static void end(int sig)
{
	(void)sig;
	ended = 1;
}

static void consume(volatile uint64_t *consumer, const volatile uint64_t *producer, const char *data)
{
	uint64_t pos = *consumer, to = __atomic_load_n(producer, __ATOMIC_ACQUIRE);

	while (pos < to) {
		const char *r = data + pos % RING_BYTES;
		uint32_t len = __atomic_load_n((const uint32_t *)r, __ATOMIC_ACQUIRE);

		if (len & busy)
			break;
		if (!(len & discard)) {
			records++;
			moved += *(const uint32_t *)(data + (pos + HEADER_BYTES + LEN_AT) % RING_BYTES);
		}
		pos += ((len & ~(busy | discard)) + HEADER_BYTES + 7) / 8 * 8;
		__atomic_store_n(consumer, pos, __ATOMIC_RELEASE);
	}
}

int main(int argc, char **argv)
{
	int fd = argc != 3 ? -1 : !strncmp(argv[1], "fd:", 3) ? atoi(argv[1] + 3) : open(argv[1], O_RDWR);
	off_t off = argc == 3 ? atol(argv[2]) : 0;
	char *c, *p;

	if (fd < 0) {
		fprintf(stderr, "usage: %s FILE|fd:N OFF\n", argv[0]);
		return 2;
	}
	c = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, off);
	p = mmap(NULL, PAGE + RING_BYTES, PROT_READ, MAP_SHARED, fd, off + PAGE);
	if (c == MAP_FAILED || p == MAP_FAILED) {
		perror(argv[1]);
		return 1;
	}
	signal(SIGTERM, end);
	while (!ended) {
		consume((volatile uint64_t *)c, (const volatile uint64_t *)p, p + PAGE);
		usleep(1000);
	}
	consume((volatile uint64_t *)c, (const volatile uint64_t *)p, p + PAGE);
	printf("%llu %llu %llu\n", (unsigned long long)records, (unsigned long long)moved,
	       ((unsigned long long *)p)[8]);
	return 0;
}
