/* SPDX-License-Identifier: MIT */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
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

static int write_all(int fd, const void *p, size_t n)
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
	ssize_t n;

	if (stat(like, &st))
		return -1;
	if (fchown(to, st.st_uid, st.st_gid) && errno != EPERM)
		return -1;
	if (fchmod(to, st.st_mode & 07777))
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
	if (write_all(fd, p, n))
		err = errno;
	if (close(fd) && !err)
		err = errno;
	return err ? diag(dg, DIAG_E002, at_file(path), "%s", strerror(err)) : 0;
}

int file_write(const char *path, const void *p, size_t n, mode_t mode, const char *like,
	       struct diags *dg)
{
	char real[PATH_MAX], tmp[PATH_MAX + 16];
	struct stat st;
	int fd, err = 0;

	if (!realpath(path, real)) {
		if (errno != ENOENT || strlen(path) >= sizeof(real))
			return diag(dg, DIAG_E002, at_file(path), "%s", strerror(errno));
		strcpy(real, path);
	} else if (!stat(real, &st) && !S_ISREG(st.st_mode)) {
		return write_through(real, p, n, dg);
	}
	snprintf(tmp, sizeof(tmp), "%s.tmp-XXXXXX", real);
	fd = mkostemp(tmp, O_CLOEXEC);
	if (fd < 0)
		return diag(dg, DIAG_E002, at_file(path), "%s", strerror(errno));
	if (write_all(fd, p, n) || (like ? copy_attributes(fd, like) : fchmod(fd, mode)) ||
	    fsync(fd))
		err = errno;
	if (close(fd) && !err)
		err = errno;
	if (!err && rename(tmp, real))
		err = errno;
	if (err) {
		unlink(tmp);
		return diag(dg, DIAG_E002, at_file(path), "%s", strerror(err));
	}
	return 0;
}
