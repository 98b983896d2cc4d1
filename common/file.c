/* SPDX-License-Identifier: MIT */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

int file_read(struct arena *a, const char *path, struct bytes *out, struct stat *st_out,
	      struct diags *dg)
{
	struct stat st;
	uint8_t *buf;
	size_t got = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return diag(dg, DIAG_E001, at_file(path), "%s", strerror(errno));
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size > UINT32_MAX) {
		const char *why = S_ISDIR(st.st_mode)	? "is a directory"
				  : !S_ISREG(st.st_mode) ? "is not a regular file"
							 : "is larger than 4 GiB";
		close(fd);
		return diag(dg, DIAG_E001, at_file(path), "%s", why);
	}
	buf = arena_alloc(a, (size_t)st.st_size + 1);
	while (got < (size_t)st.st_size) {
		ssize_t n = read(fd, buf + got, (size_t)st.st_size - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			int err = errno;

			close(fd);
			return diag(dg, DIAG_E001, at_file(path), "%s", strerror(err));
		}
		if (!n)
			break;	/* it shrank while we read: what there is */
		got += (size_t)n;
	}
	close(fd);
	*out = (struct bytes){ buf, got };
	if (st_out)
		*st_out = st;
	return 0;
}

int file_put(int fd, const void *p, size_t n)
{
	const char *c = p;

	while (n) {
		ssize_t w = write(fd, c, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return -1;
		c += w;
		n -= (size_t)w;
	}
	return 0;
}

/* Extended attributes hold file capabilities: a patched binary without them would
 * silently lose rights.  Those we may not copy (ENOTSUP, EPERM for trusted.*) are left. */
static int copy_attributes(int to, const char *like)
{
	char names[65536], value[65536];
	struct stat st;
	mode_t mode;
	ssize_t n;

	if (stat(like, &st))
		return -1;
	mode = st.st_mode & 07777;
	if (fchown(to, st.st_uid, st.st_gid)) {
		if (errno != EPERM)
			return -1;
		mode &= 01777;	/* else whoever runs it would get our rights */
	}
	if (fchmod(to, mode))
		return -1;
	n = listxattr(like, names, sizeof(names));
	for (ssize_t i = 0; i < n; i += (ssize_t)strlen(names + i) + 1) {
		ssize_t len = getxattr(like, names + i, value, sizeof(value));

		if (len >= 0 && fsetxattr(to, names + i, value, (size_t)len, 0) &&
		    errno != ENOTSUP && errno != EPERM)
			return -1;
	}
	return 0;
}

static int write_through(const char *path, const void *p, size_t n, struct diags *dg)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY), err = 0;

	if (fd < 0)
		return diag(dg, DIAG_E002, at_file(path), "%s", strerror(errno));
	if (file_put(fd, p, n))
		err = errno;
	if (close(fd) && !err)
		err = errno;
	return err ? diag(dg, DIAG_E002, at_file(path), "%s", strerror(err)) : 0;
}

/* Gives an unnamed file a name that nothing has.  An unprivileged process needs /proc for it
 * before Linux 6.10. */
static int name_file(int fd, const char *name)
{
	char self[32];

	if (!linkat(fd, "", AT_FDCWD, name, AT_EMPTY_PATH) || errno == EEXIST)
		return errno == EEXIST ? -1 : 0;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, self, AT_FDCWD, name, AT_SYMLINK_FOLLOW);
}

struct made {		/* a file in the making */
	int  fd;
	char temp[PATH_MAX + 32];	/* its name meanwhile, "" none: it goes with this process */
};

static int open_new(struct made *m, const char *path, bool named)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX];

	m->temp[0] = 0;
	snprintf(dir, sizeof(dir), "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
	if (!named) {
		m->fd = open(dir, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
		if (m->fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
			return m->fd < 0 ? -1 : 0;
	}
	snprintf(m->temp, sizeof(m->temp), "%s.tmp-XXXXXX", path);
	m->fd = mkostemp(m->temp, O_CLOEXEC);
	if (m->fd < 0)
		m->temp[0] = 0;
	return m->fd < 0 ? -1 : 0;
}

/* Makes the finished file be `path`.  What appeared there meanwhile is somebody else's. */
static int put_in_place(struct made *m, const char *path, bool replace)
{
	if (!replace && !m->temp[0])
		return name_file(m->fd, path);
	if (!replace) {
		int r = renameat2(AT_FDCWD, m->temp, AT_FDCWD, path, RENAME_NOREPLACE);

		if (r && (errno == EINVAL || errno == ENOSYS))
			return link(m->temp, path);	/* the other name is unlinked */
		m->temp[0] = r ? m->temp[0] : 0;
		return r;
	}
	for (int i = 0; !m->temp[0]; i++) {
		char temp[sizeof(m->temp)];

		snprintf(temp, sizeof(temp), "%s.tmp-%d-%d", path, getpid(), i);
		if (!name_file(m->fd, temp))
			strcpy(m->temp, temp);
		else if (errno != EEXIST)
			return -1;
	}
	if (rename(m->temp, path))
		return -1;
	m->temp[0] = 0;
	return 0;
}

/* 0 or errno */
static int make_file(const char *path, bool replace, bool named, const void *p, size_t n,
		     mode_t mode, const char *like)
{
	struct made m;
	int err = 0;

	if (open_new(&m, path, named))
		return errno;
	if (file_put(m.fd, p, n) || (like ? copy_attributes(m.fd, like) : fchmod(m.fd, mode)) ||
	    fsync(m.fd) || put_in_place(&m, path, replace))
		err = errno;
	if (m.temp[0])
		unlink(m.temp);
	close(m.fd);
	/* Nothing but a name can be missing of a file that is made without: no /proc. */
	return (err == ENOENT || err == EPERM) && !named && !m.temp[0]
		       ? make_file(path, replace, true, p, n, mode, like)
		       : err;
}

bool file_same(const char *x, const char *y)
{
	struct stat a, b;

	return !stat(x, &a) && !stat(y, &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

int file_write(const char *path, const void *p, size_t n, mode_t mode, const char *like,
	       struct diags *dg)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN }, old;
	char real[PATH_MAX];
	bool replace = true;
	struct stat st;
	int err;

	if (!realpath(path, real)) {
		if (errno != ENOENT || strlen(path) >= sizeof(real))
			return diag(dg, DIAG_E002, at_file(path), "%s", strerror(errno));
		strcpy(real, path);
		replace = !lstat(path, &st);	/* a link to nothing */
	} else if (!stat(real, &st) && !S_ISREG(st.st_mode)) {
		return write_through(real, p, n, dg);
	}
	sigaction(SIGXFSZ, &ignore, &old);	/* beyond ulimit -f: an error, not the end */
	err = make_file(real, replace, false, p, n, mode, like);
	sigaction(SIGXFSZ, &old, NULL);
	return err ? diag(dg, DIAG_E002, at_file(path), "%s",
			  err == EEXIST ? "somebody else made it meanwhile" : strerror(err))
		   : 0;
}

const char *path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}
