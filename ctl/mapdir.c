/* SPDX-License-Identifier: MIT */
#include "mapdir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mapfmt.h"

static int check_owner(int fd, const char *path, mode_t type, struct diags *dg)
{
	struct stat st;
	const char *why = NULL;

	if (fstat(fd, &st))
		return diag(dg, DIAG_E001, at_file(path), "%s", strerror(errno));
	if ((st.st_mode & S_IFMT) != type)
		why = type == S_IFDIR ? "is not a directory" : "is not a regular file";
	else if (st.st_mode & (S_IWGRP | S_IWOTH))
		why = "others may write to it";
	if (why)
		return diag(dg, DIAG_M001, at_file(path), "%s", why);
	if (st.st_uid != geteuid()) {
		diag(dg, DIAG_M001, at_file(path), "belongs to uid %u, you are uid %u", st.st_uid,
		     geteuid());
		diag_more(dg, "run bpftime-ctl as that user: sudo -u '#%u' bpftime-ctl ...",
			  st.st_uid);
		return -DIAG_M001;
	}
	return 0;
}

int mapdir_open(struct mapdir *d, const char *dir, struct diags *dg)
{
	const char *env = getenv("BPFTIME_DIR");
	int n, r;

	d->fd = -1;
	if (!dir && env && *env)
		dir = env;
	n = dir ? snprintf(d->path, sizeof(d->path), "%s", dir)
		: snprintf(d->path, sizeof(d->path), "/dev/shm/bpftime-%u", geteuid());
	if (n >= (int)sizeof(d->path))
		return diag(dg, DIAG_M001, at_file(dir), "the name is too long");
	d->fd = open(d->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (d->fd < 0 && errno == ENOENT)
		return 0;
	if (d->fd < 0)
		return diag(dg, DIAG_M001, at_file(d->path), "%s",
			    errno == ELOOP ? "is a symbolic link" : strerror(errno));
	r = check_owner(d->fd, d->path, S_IFDIR, dg);
	if (r < 0)
		mapdir_close(d);
	return r;
}

void mapdir_close(struct mapdir *d)
{
	if (d->fd >= 0)
		close(d->fd);
	d->fd = -1;
}

int mapdir_open_file(const struct mapdir *d, const char *folder, const char *file, bool write,
		     struct diags *dg)
{
	char path[2 * PATH_MAX];
	int at = d->fd, fd, r;

	snprintf(path, sizeof(path), "%s/%s%s%s", d->path, folder ? folder : "",
		 folder ? "/" : "", file);
	if (folder)
		at = openat(d->fd, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	fd = at < 0 ? -1 : openat(at, file, (write ? O_RDWR : O_RDONLY) | O_NOFOLLOW | O_CLOEXEC |
					    O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		r = diag(dg, DIAG_E001, at_file(path), "%s",
			 errno == ELOOP ? "is a symbolic link" : strerror(errno));
	} else {
		r = check_owner(fd, path, S_IFREG, dg);
		if (r < 0)
			close(fd);
	}
	if (folder && at >= 0)
		close(at);
	return r < 0 ? r : fd;
}

int mapdir_make_folder(struct mapdir *d, const char *folder, struct diags *dg)
{
	char path[2 * PATH_MAX];
	int fd, r;

	if (d->fd < 0) {
		if (!mkdir(d->path, 0700))
			chmod(d->path, 0700);	/* whatever the umask */
		else if (errno != EEXIST)
			return diag(dg, DIAG_E002, at_file(d->path), "%s", strerror(errno));
		r = mapdir_open(d, strdupa(d->path), dg);
		if (r < 0)
			return r;
	}
	snprintf(path, sizeof(path), "%s/%s", d->path, folder);
	if (!mkdirat(d->fd, folder, 0700))
		fchmodat(d->fd, folder, 0700, 0);
	fd = openat(d->fd, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return diag(dg, DIAG_E002, at_file(path), "%s", strerror(errno));
	r = check_owner(fd, path, S_IFDIR, dg);
	if (r < 0)
		close(fd);
	return r < 0 ? r : fd;
}

/* Some filesystems have only one of these. */
static int give_name(int folder, const char *temp, const char *name)
{
	if (!renameat2(folder, temp, folder, name, RENAME_NOREPLACE))
		return 0;
	if (errno == EEXIST)
		return EEXIST;
	return linkat(folder, temp, folder, name, 0) ? errno : 0;
}

int mapdir_make_file(int folder, const char *name, int (*fill)(int fd, const void *arg), const void *arg)
{
	char temp[64];
	int fd, err;

	snprintf(temp, sizeof(temp), MAPFMT_TEMP_PREFIX "ctl-%d", (int)getpid());
	unlinkat(folder, temp, 0);	/* of a process that had this id, and was killed */
	fd = openat(folder, temp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno;
	err = fill(fd, arg);
	if (!err)
		err = give_name(folder, temp, name);
	unlinkat(folder, temp, 0);
	close(fd);
	return err;
}

/* "sslsniff-0f1e2d3c" -> "sslsniff" */
static const char *object_of(struct arena *a, const char *dir)
{
	const char *dash = strrchr(dir, '-');
	size_t hex = dash ? strspn(dash + 1, "0123456789abcdef") : 0;

	if (!dash || dash == dir || (hex != 8 && hex != 16) || dash[1 + hex])
		return arena_strdup(a, dir);
	return arena_strndup(a, dir, (size_t)(dash - dir));
}

static int by_text(const void *x, const void *y)
{
	return strcmp(*(const char *const *)x, *(const char *const *)y);
}

int mapdir_names(const struct mapdir *d, const char *folder, struct arena *a,
		 struct name_list *out, struct diags *dg)
{
	int fd = d->fd < 0 ? -1 : openat(d->fd, folder,
					 O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	*out = (struct name_list){ 0 };
	if (!dir) {
		int err = errno;

		if (fd >= 0)
			close(fd);
		/* A stray file, or a folder that has just been removed, holds no names. */
		return d->fd < 0 || err == ENOENT || err == ENOTDIR || err == ELOOP
			       ? 0
			       : diag(dg, DIAG_E001, at_file(d->path), "%s: %s", folder,
				      strerror(err));
	}
	while ((e = readdir(dir)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			*ARENA_PUSH(a, out->name, out->n, out->cap) = arena_strdup(a, e->d_name);
	closedir(dir);
	if (out->n)
		qsort(out->name, out->n, sizeof(*out->name), by_text);
	return 0;
}

/* A name that two folders share is told apart by the folder. */
static void make_labels(struct mapref_list *l, struct arena *a)
{
	for (size_t i = 0; i < l->n; i++) {
		struct mapref *r = &l->ref[i];
		bool shared = false;

		for (size_t k = 0; k < l->n; k++)
			shared |= strcmp(l->ref[k].dir, r->dir) &&
				  !strcmp(l->ref[k].object, r->object);
		r->label = arena_printf(a, "%s/%s", shared ? r->dir : r->object, r->name);
	}
}

int mapdir_list(const struct mapdir *d, struct arena *a, struct mapref_list *out, struct diags *dg)
{
	struct name_list dirs, files;
	int r = mapdir_names(d, ".", a, &dirs, dg);

	*out = (struct mapref_list){ 0 };
	for (size_t i = 0; r >= 0 && i < dirs.n; i++) {
		const char *object = object_of(a, dirs.name[i]);

		if (dirs.name[i][0] == '.')
			continue;
		r = mapdir_names(d, dirs.name[i], a, &files, dg);
		/* Maps of global data are called .bss and .data: of the names with a dot the
		 * BTF and files in the making are no maps. */
		for (size_t k = 0; r >= 0 && k < files.n; k++)
			if (strcmp(files.name[k], MAPFMT_BTF_FILE) &&
			    strncmp(files.name[k], MAPFMT_TEMP_PREFIX, strlen(MAPFMT_TEMP_PREFIX)))
				*ARENA_PUSH(a, out->ref, out->n, out->cap) = (struct mapref){
					dirs.name[i], object, files.name[k], NULL };
	}
	make_labels(out, a);
	return r;
}

static bool matches(const struct mapref *r, const char *spec)
{
	const char *slash = strchr(spec, '/');
	size_t n = slash ? (size_t)(slash - spec) : 0;

	if (!slash)
		return !strcmp(r->name, spec);
	if (strcmp(r->name, slash + 1))
		return false;
	return (strlen(r->object) == n && !memcmp(r->object, spec, n)) ||
	       (strlen(r->dir) == n && !memcmp(r->dir, spec, n));
}

static void mention_maps(const struct mapdir *d, const struct mapref_list *l, struct diags *dg)
{
	enum { MOST = 20 };

	if (d->fd < 0)
		diag_more(dg, "%s does not exist: no patched program has run, or it has another "
			  "map directory (--dir, BPFTIME_DIR)", d->path);
	else if (!l->n)
		diag_more(dg, "%s holds no maps", d->path);
	for (size_t i = 0; i < l->n && i < MOST; i++)
		diag_more(dg, "%s%s", i ? "          " : "there is: ", l->ref[i].label);
	if (l->n > MOST)
		diag_more(dg, "          and %zu more; see bpftime-ctl maps", l->n - MOST);
}

int mapdir_find(const struct mapdir *d, struct arena *a, const char *spec, struct mapref *out,
		struct diags *dg)
{
	struct mapref_list l;
	size_t n = 0;
	int r = mapdir_list(d, a, &l, dg);

	if (r < 0)
		return r;
	for (size_t i = 0; i < l.n; i++) {
		if (matches(&l.ref[i], spec)) {
			*out = l.ref[i];
			n++;
		}
	}
	if (n == 1)
		return 0;
	if (!n) {
		r = diag(dg, DIAG_M003, at_file(spec), "%s", d->path);
		mention_maps(d, &l, dg);
		return r;
	}
	r = diag(dg, DIAG_M004, at_file(spec), "%zu maps have this name", n);
	for (size_t i = 0; i < l.n; i++)
		if (matches(&l.ref[i], spec))
			diag_more(dg, "%s", l.ref[i].label);
	return r;
}

static int remove_folder(const struct mapdir *d, const char *name, struct diags *dg)
{
	int fd = openat(d->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), err = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!dir) {
		err = errno;
		if (fd >= 0)
			close(fd);
		return diag(dg, DIAG_E002, at_file(name), "%s", strerror(err));
	}
	while ((e = readdir(dir)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..") &&
		    unlinkat(dirfd(dir), e->d_name, 0) && errno != ENOENT)
			err = errno;
	closedir(dir);
	if (!err && unlinkat(d->fd, name, AT_REMOVEDIR))
		err = errno;
	return err ? diag(dg, DIAG_E002, at_file(name), "%s", strerror(err)) : 0;
}

int mapdir_remove(const struct mapdir *d, struct arena *a, const char *object, size_t *n,
		  struct diags *dg)
{
	struct name_list dirs;
	int r = mapdir_names(d, ".", a, &dirs, dg);

	*n = 0;
	if (r < 0)
		return r;
	for (size_t i = 0; i < dirs.n; i++) {
		if (dirs.name[i][0] == '.' ||
		    (strcmp(dirs.name[i], object) && strcmp(object_of(a, dirs.name[i]), object)))
			continue;
		r = remove_folder(d, dirs.name[i], dg);
		if (r < 0)
			return r;
		++*n;
	}
	if (!*n)
		return diag(dg, DIAG_M003, at_file(object), "no object of this name in %s",
			    d->path);
	return 0;
}
