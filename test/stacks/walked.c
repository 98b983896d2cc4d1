// SPDX-License-Identifier: MIT
// Prints the stack of each call of leaf() as the compiler's unwinder finds it, and calls leaf().
//
// Compiled as C and as C++, with and without frame pointers, static and dynamic, for glibc and musl; leaf()
// may be a library's, LEAF_ALONE and LEAF_ELSEWHERE are its two halves.
#include <alloca.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <unwind.h>

#ifdef NO_FIND_OBJECT	/* a libc that the compiler's unwinder was not made for */
#include <link.h>

struct found {
	unsigned long long flags;
	void *start, *end;
	struct link_map *map;
	void *eh_frame_hdr;
	unsigned long long reserved[7];
	unsigned long pc;
};

static int see_object(struct dl_phdr_info *i, size_t bytes, void *p)
{
	struct found *f = (struct found *)p;
	int in = 0;

	(void)bytes;
	for (int k = 0; k < i->dlpi_phnum; k++) {
		const ElfW(Phdr) *ph = &i->dlpi_phdr[k];

		in |= ph->p_type == PT_LOAD && f->pc - i->dlpi_addr - ph->p_vaddr < ph->p_memsz;
		if (ph->p_type == PT_GNU_EH_FRAME)
			f->eh_frame_hdr = (void *)(i->dlpi_addr + ph->p_vaddr);
	}
	return in;
}

int _dl_find_object(void *pc, struct found *out)
{
	struct found f = { 0 };

	f.pc = (unsigned long)pc;
	if (!dl_iterate_phdr(see_object, &f))
		return -1;
	out->eh_frame_hdr = f.eh_frame_hdr;
	return 0;
}
#endif

#define NOINLINE __attribute__((noinline, noclone))
#define KEEP __asm__ volatile("" ::: "memory")

static volatile int sink;

#ifdef __cplusplus
extern "C" {
#endif
NOINLINE int leaf(int k);
NOINLINE int leaf_args(int a, int b, int c, int d, int e, int f, int g);
#ifdef __cplusplus
}
#endif

#ifndef LEAF_ELSEWHERE
/* Needs nothing above its return address. */
NOINLINE int leaf(int k)
{
	KEEP;
	return sink + k;
}

/* Has an argument on the stack. */
NOINLINE int leaf_args(int a, int b, int c, int d, int e, int f, int g)
{
	KEEP;
	return a + b + c + d + e + f + g;
}
#endif
#ifndef LEAF_ALONE

static _Unwind_Reason_Code see(struct _Unwind_Context *c, void *n)
{
	if ((*(int *)n)++)	/* not here() itself */
		printf(" %lx", (unsigned long)_Unwind_GetIP(c));
	return _URC_NO_REASON;
}

static NOINLINE void here(void)
{
	int n = 0;

	printf("stack");
	_Unwind_Backtrace(see, &n);
	printf("\n");
}

/* here() and leaf() are called from one frame: the first return address differs, no other. */
static NOINLINE int both(int k)
{
	here();
#ifdef LEAF_IS_A_SYSCALL
	k = getppid();
#else
	k = leaf(k) + 1;
#endif
	KEEP;
	return k;
}

static NOINLINE int deep(int n, int k)
{
	char *p = (char *)alloca(16 + 32 * n);

	memset(p, k, 16 + 32 * n);
	KEEP;
	return (n ? deep(n - 1, k + p[n]) : both(k)) + p[3];
}

/* Its frame is aligned, and found through a saved pointer; it has an argument on the stack. */
static NOINLINE int aligned(int n, int k, int c, int d, int e, int f, int g)
{
	char wide[64] __attribute__((aligned(64)));
	char *p = (char *)alloca(n);

	memset(wide, k, sizeof(wide));
	memset(p, k, n);
	KEEP;
	return both(wide[k & 63]) + p[n - 1] + c + d + e + f + g;
}

/* Leaves by a jump. */
static NOINLINE int tail(int n, int k, int c, int d, int e, int f, int g)
{
	return aligned(n + 1, k, c, d, e, f, g);
}

static int compare(const void *a, const void *b)
{
	both(3);
	return *(const int *)a - *(const int *)b;
}

static NOINLINE int called_back(void)
{
	int v[2] = { 2, 1 };

	qsort(v, 2, sizeof(*v), compare);
	KEEP;
	return v[0];
}

static void handler(int sig)
{
	both(sig);
}

static NOINLINE int signalled(void)
{
	signal(SIGUSR1, handler);
	raise(SIGUSR1);
	KEEP;
	return 1;
}

static void *threaded(void *p)
{
	both(5);
	KEEP;
	return p;
}

static NOINLINE int big(int k)
{
	char room[100000];

	memset(room, k, sizeof(room));
	KEEP;
	return both(room[k]) + room[7];
}

static NOINLINE int many(int k)
{
	here();
	k = leaf_args(k, 1, 2, 3, 4, 5, 6);
	KEEP;
	return k;
}

#ifdef __cplusplus
struct Cleanup {
	~Cleanup() { both(7); }
};

static NOINLINE void throws(int k)
{
	Cleanup c;

	KEEP;
	if (k)
		throw k;
}

static NOINLINE int catches(int k)
{
	try {
		throws(k);
	} catch (int e) {
		both(e);
	}
	KEEP;
	return k;
}
#else
static NOINLINE int catches(int k)
{
	return k;
}
#endif

int main()
{
	pthread_t t;
	int k;

	setvbuf(stdout, NULL, _IONBF, 0);
	k = both(1);
	k += deep(0, 1) + deep(40, 2) + tail(100, 3, 4, 5, 6, 7, 8) + big(1) + many(1) + catches(1);
	k += called_back();
	k += signalled();
	if (!pthread_create(&t, NULL, threaded, NULL))
		pthread_join(t, NULL);
	return k == 12345;
}
#endif
