/* SPDX-License-Identifier: MIT
 *
 * interpose - what samples/sslsniff does, as one would write it by hand for LD_PRELOAD: the same
 * entry in a hash map between a call and its return, the same two looks at the clock, the same histogram,
 * the same records in the same three sizes in a ring buffer that a consumer in another process
 * reads.
 *
 * INTERPOSE_RING names the file: a page for the consumer's position, one for the producer's, then
 * the data, as in a BPF ring buffer.  Behind the producer's position: records that found no room. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum {
	PAGE = 4096, RING_BYTES = 1 << 22, BUSY = 1u << 31, HEADER_BYTES = 8,
	DATA_BYTES = 4096, MEDIUM_BYTES = 1024, SMALL_BYTES = 256,
	ENTRIES = 4096, SLOTS = 64,
};

struct event {
	uint64_t ts;
	uint32_t pid, tid, len, is_write;
	char comm[16];
	char data[DATA_BYTES + 1];
};

/* Open addressing, one lock an entry: calls in flight, by thread. */
static struct entry {
	_Atomic uint32_t lock, tid;
	uint64_t ts;
	const void *buf;
} inflight[ENTRIES];
static _Atomic uint64_t latency[SLOTS];

static struct {
	_Atomic uint64_t *consumer, *producer, *lost;
	char *data;
	_Atomic uint32_t lock;
} ring;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void lock(_Atomic uint32_t *l)
{
	while (atomic_exchange_explicit(l, 1, memory_order_acquire))
		;
}

static void unlock(_Atomic uint32_t *l)
{
	atomic_store_explicit(l, 0, memory_order_release);
}

static __thread uint32_t own_tid;

static uint32_t tid(void)
{
	return own_tid ? own_tid : (own_tid = (uint32_t)gettid());
}

static struct entry *entry_of(uint32_t id)
{
	return &inflight[(id * 2654435761u) % ENTRIES];
}

static void enter(const void *buf)
{
	struct entry *e = entry_of(tid());

	lock(&e->lock);
	e->ts = now_ns();
	e->buf = buf;
	atomic_store(&e->tid, tid());
	unlock(&e->lock);
}

static void *reserve(uint32_t bytes)
{
	uint64_t pos, whole = (bytes + HEADER_BYTES + 7) & ~7ull;
	uint32_t *head = NULL;

	lock(&ring.lock);
	pos = atomic_load_explicit(ring.producer, memory_order_relaxed);
	if (pos + whole - atomic_load_explicit(ring.consumer, memory_order_acquire) < RING_BYTES) {
		head = (uint32_t *)(ring.data + pos % RING_BYTES);
		head[0] = bytes | BUSY;
		atomic_store_explicit(ring.producer, pos + whole, memory_order_release);
	}
	unlock(&ring.lock);
	return head ? head + 2 : NULL;
}

static void submit(void *record)
{
	_Atomic uint32_t *head = (_Atomic uint32_t *)record - 2;

	atomic_exchange(head, atomic_load_explicit(head, memory_order_relaxed) & ~BUSY);
}

static unsigned slot_of(uint64_t ns)
{
	return ns ? 63 - (unsigned)__builtin_clzll(ns) : 0;
}

static void leave(int len, uint32_t is_write)
{
	uint64_t now = now_ns(), ts;
	struct entry *e = entry_of(tid());
	const void *buf;
	struct event *ev;
	uint32_t n, room;

	lock(&e->lock);
	ts = e->ts;
	buf = e->buf;
	atomic_store(&e->tid, 0);
	unlock(&e->lock);
	atomic_fetch_add(&latency[slot_of(now - ts)], 1);
	if (len <= 0)
		return;
	n = (uint32_t)len;
	room = n <= SMALL_BYTES ? SMALL_BYTES : n <= MEDIUM_BYTES ? MEDIUM_BYTES : DATA_BYTES;
	if (n > room)
		n = room;
	ev = reserve((uint32_t)offsetof(struct event, data) + room + 1);
	if (!ev) {
		atomic_fetch_add(ring.lost, 1);
		return;
	}
	ev->ts = ts;
	ev->pid = (uint32_t)getpid();
	ev->tid = tid();
	ev->len = (uint32_t)len;
	ev->is_write = is_write;
	prctl(PR_GET_NAME, ev->comm);
	memcpy(ev->data, buf, n);
	ev->data[n] = 0;
	submit(ev);
}

typedef int io_fn(void *ssl, const void *buf, int n);
io_fn SSL_read, SSL_write;
static io_fn *real_read, *real_write;

int SSL_read(void *ssl, const void *buf, int n)
{
	int r;

	enter(buf);
	r = real_read(ssl, buf, n);
	leave(r, 0);
	return r;
}

int SSL_write(void *ssl, const void *buf, int n)
{
	int r;

	enter(buf);
	r = real_write(ssl, buf, n);
	leave(r, 1);
	return r;
}

/* The data twice in a row, so that no record is in two parts. */
__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("INTERPOSE_RING");
	int fd = path ? open(path, O_RDWR) : -1;
	char *p;

	real_read = (io_fn *)dlsym(RTLD_NEXT, "SSL_read");
	real_write = (io_fn *)dlsym(RTLD_NEXT, "SSL_write");
	p = mmap(NULL, 2 * PAGE + 2 * RING_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (fd < 0 || p == MAP_FAILED ||
	    mmap(p, 2 * PAGE + RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) != p ||
	    mmap(p + 2 * PAGE + RING_BYTES, RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
		 2 * PAGE) == MAP_FAILED)
		_exit(99);
	ring.consumer = (_Atomic uint64_t *)p;
	ring.producer = (_Atomic uint64_t *)(p + PAGE);
	ring.lost = ring.producer + 8;
	ring.data = p + 2 * PAGE;
}
