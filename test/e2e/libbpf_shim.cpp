// SPDX-License-Identifier: MIT
#include "libbpf_shim.h"

#include <dlfcn.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "mapfmt.h"
#include "rt_maps.h"

struct shim_asked shim_asked;

static const struct mapfile *served;
static epoll_data_t added;
static int added_to = -1;

void shim_serve(const struct mapfile *m)
{
	served = m;
	added_to = -1;
}

template <typename F> static F next(const char *name)
{
	return (F)dlsym(RTLD_NEXT, name);
}

static long map_info(union bpf_attr *a)
{
	auto *info = (struct bpf_map_info *)a->info.info;
	struct bpf_map_info i = {};
	i.type = served->m.type;
	i.max_entries = served->m.max_entries;
	memcpy(info, &i, a->info.info_len < sizeof(i) ? a->info.info_len : sizeof(i));
	shim_asked.info++;
	return 0;
}

extern "C" long syscall(long n, ...)
{
	long a[6];
	va_list ap;
	va_start(ap, n);
	for (long &x : a)
		x = va_arg(ap, long);
	va_end(ap);
	if (n == SYS_bpf && served && a[0] == BPF_OBJ_GET_INFO_BY_FD &&
	    (int)((union bpf_attr *)a[1])->info.bpf_fd == served->fd)
		return map_info((union bpf_attr *)a[1]);
	return next<long (*)(long, ...)>("syscall")(n, a[0], a[1], a[2], a[3], a[4], a[5]);
}

// A kernel's ring buffer begins with the consumer page and shows its data twice; a map file has its header
// in front of that, and the data once.
extern "C" void *mmap64(void *at, size_t bytes, int prot, int flags, int fd, off64_t off)
{
	auto real = next<void *(*)(void *, size_t, int, int, int, off64_t)>("mmap64");
	if (!served || fd != served->fd)
		return real(at, bytes, prot, flags, fd, off);
	shim_asked.maps++;
	size_t data = served->m.max_entries, once = off ? bytes - data : bytes;
	char *p = (char *)real(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED || real(p, once, prot, MAP_SHARED | MAP_FIXED, fd, off + MAPFMT_HEADER_BYTES) != p)
		return MAP_FAILED;
	if (off && real(p + once, data, prot, MAP_SHARED | MAP_FIXED, fd,
			off + MAPFMT_HEADER_BYTES + (off64_t)(once - data)) != p + once)
		return MAP_FAILED;
	return p;
}

extern "C" int epoll_ctl(int epfd, int op, int fd, struct epoll_event *e) noexcept
{
	if (!served || fd != served->fd)
		return next<int (*)(int, int, int, struct epoll_event *)>("epoll_ctl")(epfd, op, fd, e);
	shim_asked.adds++;
	added = e->data;
	added_to = epfd;
	return 0;
}

extern "C" int epoll_wait(int epfd, struct epoll_event *e, int n, int timeout_ms)
{
	if (!served || epfd != added_to)
		return next<int (*)(int, struct epoll_event *, int, int)>("epoll_wait")(epfd, e, n, timeout_ms);
	shim_asked.waits++;
	int r = rt_ringbuf_wait(&served->m, served->base, timeout_ms);
	if (r < 0) {
		errno = -r;
		return -1;
	}
	e[0].events = EPOLLIN;
	e[0].data = added;
	return r;
}
