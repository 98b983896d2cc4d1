/* SPDX-License-Identifier: MIT */
#include "dir.h"

#include "arch/x86_64/sys.h"
#include "init.h"
#include "mem.h"
#include "rel.h"
#include "proc.h"
#include "random.h"
#include "text.h"

enum {
	AT_EMPTY_PATH = 0x1000, AT_SYMLINK_FOLLOW = 0x400,
	RENAME_NOREPLACE = 1, RLIMIT_FSIZE = 1, F_DUPFD_CLOEXEC = 1030,
	S_IFMT = 0170000, S_IFDIR = 0040000, S_IFREG = 0100000, OTHERS_WRITE = 022,
	AT_SECURE = 23, PATH_BYTES = RT_DIR_BYTES, ZERO_BYTES = 256,
};

static char env_dir[PATH_BYTES];	/* $BPFTIME_DIR, "" without */
static bool env_unusable;		/* there is one, too long for us: no other will do */
static int32_t secure;			/* 1 yes, -1 no, 0 not known */

static void read_aux(const uint64_t *aux, uint64_t words)
{
	for (uint64_t i = 0; i + 1 < words && aux[i]; i += 2)
		if (aux[i] == AT_SECURE)
			secure = aux[i + 1] ? 1 : -1;
}

/* A relative name means what it means now: the program may go elsewhere. */
static void remember_dir(const char *found)
{
	struct rt_text t = rt_text(env_dir, sizeof(env_dir));

	if (*found != '/') {
		int64_t n = rt_sys2(SYS_getcwd, env_dir, sizeof(env_dir) - 1);

		env_unusable = n <= 1 || env_dir[0] != '/';	/* "(unreachable)/..." */
		t.used = n > 1 ? (uint32_t)n - 1 : 0;
		rt_put_char(&t, '/');
	}
	rt_put(&t, found);
	env_unusable |= t.cut;
}

void rt_dir_started(const uint64_t *sp)
{
	static const char name[] = "BPFTIME_DIR=";
	const uint64_t *p = sp + 1 + sp[0] + 1;	/* argc, argv, NULL; then the environment */
	const char *found = NULL;

	for (; *p; p++) {
		const char *s = (const char *)*p;

		for (uint32_t i = 0; s[i] == name[i]; i++)
			if (i == sizeof(name) - 2) {
				found = s + i + 1;
				break;
			}
	}
	read_aux(p + 1, RT_AUXV_WORDS);
	if (found && *found && secure < 0)
		remember_dir(found);
}

/* Does this process have rights that whoever started it has not?  What cannot be found
 * out counts as yes. */
static bool more_rights(void)
{
	uint64_t aux[RT_AUXV_WORDS];

	if (!secure)
		read_aux(aux, rt_auxv(aux));
	return secure >= 0 || rt_sys0(SYS_getuid) != rt_sys0(SYS_geteuid) ||
	       rt_sys0(SYS_getgid) != rt_sys0(SYS_getegid);
}

struct stat_ {		/* x86-64 */
	uint64_t dev, ino, nlink;
	uint32_t mode, uid, gid, pad;
	uint64_t rdev;
	int64_t  size;
	uint64_t rest[11];
};

/* Where standard input or output are closed their numbers are the lowest free ones, and the
 * target may be writing to them in another thread. */
static __attribute__((noinline)) int64_t above_standard(int64_t fd)
{
	int64_t high = fd;

	if (fd >= 0 && fd <= 2) {
		high = rt_sys3(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 3);
		rt_sys1(SYS_close, fd);
	}
	return high;
}

/* fd, or -EPERM and it is closed. */
static int64_t if_ours(int64_t fd, uint32_t type, uint64_t *bytes)
{
	struct stat_ st;

	fd = above_standard(fd);
	if (fd < 0)
		return fd;
	if (rt_sys2(SYS_fstat, fd, &st) || (st.mode & S_IFMT) != type ||
	    (st.mode & OTHERS_WRITE) || st.uid != (uint32_t)rt_sys0(SYS_geteuid)) {
		rt_sys1(SYS_close, fd);
		return -RT_EPERM;
	}
	if (bytes)
		*bytes = (uint64_t)st.size;
	return fd;
}

int64_t rt_dir_existing(int64_t dir, const char *name)
{
	return if_ours(rt_sys4(SYS_openat, dir, name, O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0),
		       S_IFDIR, NULL);
}

int64_t rt_dir_folder(int64_t dir, const char *name)
{
	if (!rt_sys3(SYS_mkdirat, dir, name, 0700))
		rt_sys3(SYS_fchmodat, dir, name, 0700);	/* whatever the umask */
	return rt_dir_existing(dir, name);
}

int64_t rt_dir_open(void)
{
	const char *stamped = RT_REL(const char, bpftime_rt1_payload.dir_rel);
	char path[PATH_BYTES];
	struct rt_text t = rt_text(path, sizeof(path));

	if ((bpftime_rt1_payload.bits & PAYLOAD_PRIVATE) || more_rights())
		return -RT_EPERM;
	if (env_unusable)
		return -RT_ENOENT;
	if (env_dir[0]) {
		rt_put(&t, env_dir);
	} else if (stamped) {
		rt_put(&t, stamped);
	} else {
		rt_put(&t, "/dev/shm/bpftime-");
		rt_put_number(&t, (uint32_t)rt_sys0(SYS_geteuid), 10, 1);
	}
	return t.cut ? -RT_ENOENT : rt_dir_folder(AT_FDCWD, path);
}

int64_t rt_dir_file(int64_t dir, const char *name, uint64_t *bytes)
{
	return if_ours(rt_sys4(SYS_openat, dir, name,
			       O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0),
		       S_IFREG, bytes);
}

/* Space for pages that are written: a write to a page that a full filesystem cannot give is a SIGBUS
 * in the target.  What `ulimit -f` forbids is not even tried: that is a SIGXFSZ. */
static bool allocate(int64_t fd, uint64_t bytes, uint64_t solid)
{
	uint64_t limit[2], zeros[ZERO_BYTES / 8];
	int64_t r;

	if (!rt_sys2(SYS_getrlimit, RLIMIT_FSIZE, limit) && bytes > limit[0])
		return false;
	r = rt_sys4(SYS_fallocate, fd, 0, 0, solid);
	if (r && r != -RT_EOPNOTSUPP)
		return false;
	rt_zero(zeros, sizeof(zeros));
	for (uint64_t off = 0; r && off < solid; off += sizeof(zeros))	/* perhaps some more, which is cut off again */
		if (rt_sys4(SYS_pwrite64, fd, zeros, sizeof(zeros), off) != sizeof(zeros))
			return false;
	return !rt_sys2(SYS_ftruncate, fd, bytes);
}

/* Where a filesystem has no files without a name the file has one that nobody looks for.
 * Killed before it is removed, a process leaves it; `bpftime-ctl rm` takes it along. */
static int64_t open_temp(int64_t dir, char *temp)
{
	struct rt_text t = rt_text(temp, RT_TEMP_BYTES);

	rt_put(&t, MAPFMT_TEMP_PREFIX);
	rt_put_number(&t, rt_random_seed(), 16, 16);
	return rt_sys4(SYS_openat, dir, temp, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
}

int64_t rt_dir_new(struct rt_new *n, int64_t dir, uint64_t bytes, uint64_t solid)
{
	int64_t r;

	n->dir = dir;
	n->temp[0] = 0;
	n->fd = rt_sys4(SYS_openat, dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (n->fd == -RT_EOPNOTSUPP || n->fd == -RT_EISDIR) {
		n->fd = open_temp(dir, n->temp);
		if (n->fd < 0)
			n->temp[0] = 0;
	}
	r = n->fd = above_standard(n->fd);
	if (r >= 0) {
		rt_sys2(SYS_fchmod, r, 0600);	/* whatever the umask */
		if (!allocate(r, bytes, solid))
			r = -RT_ENOSPC;
	}
	if (r < 0)
		rt_dir_end(n);
	return r;
}

void rt_dir_end(struct rt_new *n)
{
	if (n->temp[0])
		rt_sys3(SYS_unlinkat, n->dir, n->temp, 0);
	if (n->fd >= 0)
		rt_sys1(SYS_close, n->fd);
}

/* Some filesystems have no second names either. */
static int64_t name_temp(struct rt_new *n, const char *name)
{
	int64_t r = rt_sys6(SYS_linkat, (uint64_t)n->dir, (uint64_t)n->temp, (uint64_t)n->dir,
			    (uint64_t)name, 0, 0);

	if (!r || r == -RT_EEXIST)
		return r;
	r = rt_sys6(SYS_renameat2, (uint64_t)n->dir, (uint64_t)n->temp, (uint64_t)n->dir,
		    (uint64_t)name, RENAME_NOREPLACE, 0);
	if (!r)
		n->temp[0] = 0;
	return r;
}

int64_t rt_dir_name(struct rt_new *n, const char *name)
{
	char path[32];
	struct rt_text t = rt_text(path, sizeof(path));
	int64_t r;

	if (n->temp[0])
		return name_temp(n, name);
	r = rt_sys6(SYS_linkat, (uint64_t)n->fd, (uint64_t)"", (uint64_t)n->dir, (uint64_t)name,
		    AT_EMPTY_PATH, 0);
	if (!r || r == -RT_EEXIST)
		return r;
	rt_put(&t, "/proc/self/fd/");	/* what an unprivileged process needed before Linux 6.10 */
	rt_put_number(&t, (uint64_t)n->fd, 10, 1);
	return rt_sys6(SYS_linkat, (uint64_t)AT_FDCWD, (uint64_t)path, (uint64_t)n->dir,
		       (uint64_t)name, AT_SYMLINK_FOLLOW, 0);
}

bool rt_dir_is_name(const char *name)
{
	uint32_t i = 0;

	for (; name[i]; i++)
		if (name[i] == '/' || i > 200)
			return false;
	return i && !(name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2])));
}
