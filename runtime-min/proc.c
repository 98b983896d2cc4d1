/* SPDX-License-Identifier: MIT
 *
 * proc.c - see proc.h.
 *
 * /proc may be missing, hidden, or that of another pid namespace; then numbers in it mean
 * other processes, and nothing is concluded from it. */
#include "proc.h"

#include "arch/x86_64/sys.h"
#include "self.h"
#include "text.h"

enum {
	PR_GET_AUXV = 0x41555856, FIELD_START = 22,	/* of /proc/PID/stat */
};
#define NS_BASE 0xeffffff8u		/* below every namespace's inode number */
#define NS_INITIAL_TIME 0xeffffffau	/* PROC_TIME_INIT_INO */

int64_t rt_read_self(void *to, uint64_t from, uint64_t bytes)
{
	struct rt_iovec local = { (uint64_t)to, bytes }, remote = { from, bytes };

	return rt_sys6(SYS_process_vm_readv, (uint64_t)rt_sys0(SYS_getpid),
		       (uint64_t)&local, 1, (uint64_t)&remote, 1, 0);
}

int64_t rt_read_file(const char *path, char *to, uint64_t bytes)
{
	int64_t fd = rt_sys4(SYS_openat, AT_FDCWD, path, O_CLOEXEC, 0), n, have = 0;

	if (fd < 0)
		return fd;
	do {
		n = rt_sys3(SYS_read, fd, to + have, bytes - (uint64_t)have);
		if (n > 0)
			have += n;
	} while ((n > 0 && (uint64_t)have < bytes) || n == -RT_EINTR);
	rt_sys1(SYS_close, fd);
	return n < 0 ? n : have;
}

uint64_t rt_auxv(uint64_t aux[RT_AUXV_WORDS])
{
	const uint64_t bytes = RT_AUXV_WORDS * sizeof(*aux);
	int64_t n = rt_sys6(SYS_prctl, PR_GET_AUXV, (uint64_t)aux, bytes, 0, 0, 0);

	if (n < 0)	/* before Linux 6.4 */
		n = rt_read_file("/proc/self/auxv", (char *)aux, bytes);
	if (n < 0)
		return 0;
	return ((uint64_t)n < bytes ? (uint64_t)n : bytes) / sizeof(*aux);
}

static bool read_link(const char *path, char *to, uint32_t bytes)
{
	int64_t n = rt_sys4(SYS_readlinkat, AT_FDCWD, path, to, bytes - 1);

	to[n > 0 ? n : 0] = 0;
	return n > 0;
}

/* Does /proc show my pid namespace? */
static bool proc_is_mine(uint32_t tgid)
{
	char buf[32];
	const char *end;

	return read_link("/proc/self", buf, sizeof(buf)) && rt_get_number(buf, &end) == tgid &&
	       !*end;
}

/* "pid:[4026531836]" -> the number; 0 when unreadable */
static uint64_t ns_number(const char *path)
{
	char buf[64];
	const char *p = buf, *end;

	if (!read_link(path, buf, sizeof(buf)))
		return 0;
	while (*p && *p != '[')
		p++;
	return *p ? rt_get_number(p + 1, &end) : 0;
}

uint32_t rt_proc_ns(uint32_t tgid)
{
	uint64_t time, pid;

	if (!proc_is_mine(tgid))
		return 0;
	time = ns_number("/proc/self/ns/time");	/* 0: a kernel without time namespaces */
	pid = ns_number("/proc/self/ns/pid");
	if ((time && time != NS_INITIAL_TIME) || pid < NS_BASE ||
	    pid - NS_BASE >= 1u << RT_NS_BITS)
		return 0;
	return (uint32_t)(pid - NS_BASE);
}

/* /proc/<id>/<name> */
static int64_t read_of(uint32_t id, const char *name, char *to, uint32_t bytes)
{
	char path[48];
	struct rt_text t = rt_text(path, sizeof(path));
	int64_t n;

	rt_put(&t, "/proc/");
	rt_put_number(&t, id, 10, 1);
	rt_put_char(&t, '/');
	rt_put(&t, name);
	n = rt_read_file(path, to, bytes - 1);
	to[n > 0 ? n : 0] = 0;
	return n;
}

/* State letter and start time from /proc/<id>/stat; false when unreadable. */
static bool read_stat(uint32_t id, char *state, uint32_t *start)
{
	char buf[1024];
	const char *p = NULL;
	uint32_t field = 2;

	if (read_of(id, "stat", buf, sizeof(buf)) <= 0)
		return false;
	for (const char *q = buf; *q; q++)	/* the name may contain anything */
		if (*q == ')')
			p = q;
	if (!p || p[1] != ' ')
		return false;
	*state = p[2];
	for (; *p; p++)
		if (*p == ' ' && ++field == FIELD_START) {
			const char *end;

			*start = (uint32_t)rt_get_number(p + 1, &end) & ((1u << RT_START_BITS) - 1);
			return end != p + 1;
		}
	return false;
}

uint32_t rt_proc_start(uint32_t tgid)
{
	char state;
	uint32_t start;

	return proc_is_mine(tgid) && read_stat(tgid, &state, &start) ? start : 0;
}

static uint32_t tgid_of(uint32_t tid)
{
	char buf[512];

	if (read_of(tid, "status", buf, sizeof(buf)) <= 0)
		return 0;
	for (const char *p = buf; *p; p++)
		if (p[0] == 'T' && p[1] == 'g' && p[2] == 'i' && p[3] == 'd' && p[4] == ':') {
			const char *end;

			for (p += 5; *p == ' ' || *p == '\t'; p++)
				;
			return (uint32_t)rt_get_number(p, &end);
		}
	return 0;
}

uint32_t rt_thread_start(uint32_t tid)
{
	uint32_t start;
	char state;

	return proc_is_mine((uint32_t)rt_sys0(SYS_getpid)) && read_stat(tid, &state, &start) ? start : 0;
}

uint32_t rt_process_start(uint32_t tid)
{
	uint32_t tgid = tgid_of(tid);

	return tgid ? rt_thread_start(tgid) : 0;
}

bool rt_thread_gone(uint32_t tid, uint32_t start, uint32_t mask)
{
	uint32_t now, tgid;
	char state;

	if (rt_sys2(SYS_tkill, tid, 0) == -RT_ESRCH)
		return true;
	if (!proc_is_mine((uint32_t)rt_sys0(SYS_getpid)) || !read_stat(tid, &state, &now))
		return false;
	if (state == 'Z' || state == 'X' || state == 'x')
		return true;
	tgid = start ? tgid_of(tid) : 0;
	return tgid && read_stat(tgid, &state, &now) && now && (now & mask) != start;
}
