/* SPDX-License-Identifier: MIT */
#include "control.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "hooks.h"
#include "mapfmt.h"

enum { ID_DIGITS = 2 * CONTROL_ID_BYTES, SHORT_DIGITS = 8 };

static bool is_id(const char *name)
{
	return strlen(name) == ID_DIGITS && strspn(name, "0123456789abcdef") == ID_DIGITS;
}

/* What the header says must fit in the file; n_attach and attach_off are the copies
 * that are used from then on. */
static const char *check(const struct rt_control *f, size_t bytes, const char *name, struct arena *a,
			 uint32_t *n_attach, uint32_t *attach_off)
{
	if (bytes < RT_CONTROL_WORDS_OFF)
		return "it is too short";
	*n_attach = f->n_attach;
	*attach_off = f->attach_off;
	if (f->magic != RT_CONTROL_MAGIC)
		return "it does not start with the mark of a control file";
	if (f->version != RT_CONTROL_VERSION || f->size != sizeof(*f))
		return "it is of another version";
	if (strcmp(arena_hex(a, f->payload_id, CONTROL_ID_BYTES), name))
		return "it belongs to another payload";
	if (*attach_off % 8 || *attach_off > bytes ||
	    *n_attach > (bytes - *attach_off) / sizeof(struct rt_control_attach) ||
	    *attach_off < RT_CONTROL_WORDS_OFF + 4ull * *n_attach)
		return "its tables do not fit in it";
	return NULL;
}

void control_read_hooks(struct control *c, struct arena *a, uint32_t n_attach, uint32_t attach_off)
{
	uint8_t *base = (uint8_t *)c->file;

	c->target = arena_strndup(a, c->file->target, sizeof(c->file->target));
	c->hook = arena_array(a, n_attach, sizeof(*c->hook));
	c->n_hook = n_attach;
	for (uint32_t i = 0; i < n_attach; i++) {
		struct rt_control_attach at;
		struct control_hook *h = &c->hook[i];

		memcpy(&at, base + attach_off + i * sizeof(at), sizeof(at));
		*h = (struct control_hook){
			.id = arena_printf(a, "%.*s:%u", SHORT_DIGITS, c->id, i),
			.kind = at.kind < HOOK_COUNT ? hook_table[at.kind].name : "unknown",
			.prog = arena_strndup(a, at.prog, sizeof(at.prog)),
			.object = arena_strndup(a, at.object, sizeof(at.object)),
			.symbol = arena_strndup(a, at.symbol, sizeof(at.symbol)),
			.vaddr = at.vaddr,
			.cookie = at.cookie,
			.word = (uint32_t *)(base + RT_CONTROL_WORDS_OFF) + i,
		};
	}
}

bool control_open(const struct mapdir *d, struct arena *a, const char *name, struct control *c,
		  struct diags *dg)
{
	struct diags quiet = { 0 };
	char path[PATH_MAX + 64];
	uint32_t n_attach, attach_off;
	const char *why;
	struct stat st;
	void *p;
	int fd = mapdir_open_file(d, MAPFMT_CONTROL_DIR, name, true, &quiet);

	snprintf(path, sizeof(path), "%s/" MAPFMT_CONTROL_DIR "/%s", d->path, name);
	if (fd < 0 || fstat(fd, &st)) {
		diag_warn(dg, at_file(path), "left out: %s", quiet.first_text);
		return false;
	}
	p = mmap(NULL, st.st_size ? (size_t)st.st_size : 1, PROT_READ | PROT_WRITE, MAP_SHARED,
		 fd, 0);
	close(fd);
	if (p == MAP_FAILED) {
		diag_warn(dg, at_file(path), "left out: %s", strerror(errno));
		return false;
	}
	*c = (struct control){ .id = arena_strdup(a, name), .file = p,
			       .bytes = (size_t)st.st_size, .dev = st.st_dev, .ino = st.st_ino };
	why = check(p, c->bytes, name, a, &n_attach, &attach_off);
	if (why) {
		diag_warn(dg, at_file(path), "left out: %s: %s", diag_text(DIAG_M010), why);
		munmap(p, st.st_size ? (size_t)st.st_size : 1);
		return false;
	}
	control_read_hooks(c, a, n_attach, attach_off);
	return true;
}

int control_list(const struct mapdir *d, struct arena *a, struct control_list *out,
		 struct diags *dg)
{
	struct name_list files;
	int r = mapdir_names(d, MAPFMT_CONTROL_DIR, a, &files, dg);

	*out = (struct control_list){ 0 };
	for (size_t i = 0; r >= 0 && i < files.n; i++) {
		struct control c;

		if (is_id(files.name[i]) && control_open(d, a, files.name[i], &c, dg))
			*ARENA_PUSH(a, out->control, out->n, out->cap) = c;
	}
	return r;
}

void control_close(struct control_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		munmap(l->control[i].file, l->control[i].bytes);
	l->n = 0;
}

/* Is this line of /proc/PID/maps a mapping of the control file?  Its path does not say: a
 * process that made the file knows it by the name it had before it was linked into place. */
static bool maps_it(const char *line, const struct control *c)
{
	unsigned major, minor;
	uint64_t ino;

	return c->ino && sscanf(line, "%*x-%*x %*s %*x %x:%x %" SCNu64, &major, &minor, &ino) == 3 &&
	       ino == c->ino && makedev(major, minor) == c->dev;
}

void control_add_pid(struct control *c, struct arena *a, int pid)
{
	for (size_t i = 0; i < c->n_pid; i++)
		if (c->pid[i] == pid)
			return;
	*ARENA_PUSH(a, c->pid, c->n_pid, c->cap_pid) = pid;
}

/* Notes in `l` which control files process `pid` has mapped.  Returns false when its maps
 * cannot be read. */
static bool look_at(struct control_list *l, struct arena *a, int pid)
{
	char path[64], line[PATH_MAX + 256];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	while (fgets(line, sizeof(line), f)) {
		for (size_t i = 0; i < l->n; i++) {
			if (maps_it(line, &l->control[i]))
				control_add_pid(&l->control[i], a, pid);
		}
	}
	fclose(f);
	return true;
}

static int by_number(const void *x, const void *y)
{
	int a = *(const int *)x, b = *(const int *)y;

	return (a > b) - (a < b);
}

size_t control_processes(struct arena *a, int **pid)
{
	DIR *proc = opendir("/proc");
	struct dirent *e;
	size_t n = 0, cap = 0;

	*pid = NULL;
	while (proc && (e = readdir(proc)))
		if (isdigit((unsigned char)e->d_name[0]) && atoi(e->d_name) != getpid())
			*ARENA_PUSH(a, *pid, n, cap) = atoi(e->d_name);
	if (proc)
		closedir(proc);
	return n;
}

int control_find_users(struct control_list *l, struct arena *a, int pid, struct diags *dg)
{
	int *all = NULL;
	size_t n = pid > 0 ? 0 : control_processes(a, &all), kept = 0;

	if (pid > 0 && !look_at(l, a, pid))
		return diag(dg, errno == EACCES || errno == EPERM ? DIAG_E001 : DIAG_M013,
			    at_file("hooks"), "/proc/%d/maps: %s", pid, strerror(errno));
	for (size_t i = 0; i < n; i++)
		look_at(l, a, all[i]);
	for (size_t i = 0; i < l->n; i++) {
		struct control *c = &l->control[i];

		if (c->n_pid)
			qsort(c->pid, c->n_pid, sizeof(int), by_number);
		if (pid > 0 ? c->n_pid > 0 : !c->awaited || c->here)
			l->control[kept++] = *c;
		else
			munmap(c->file, c->bytes);
	}
	l->n = kept;
	return 0;
}

bool control_matches(const struct control *c, const struct control_hook *h, const char *spec)
{
	size_t n = strlen(spec), object = strlen(h->object);

	return !strcmp(h->id, spec) || !strcmp(h->prog, spec) || !strcmp(h->object, spec) ||
	       !strcmp(h->symbol, spec) || (n >= 4 && n <= ID_DIGITS && !memcmp(c->id, spec, n)) ||
	       (n > object && !memcmp(spec, h->object, object) && spec[object] == '/' &&
		!strcmp(spec + object + 1, h->prog));
}

int control_remove(const struct mapdir *d, struct arena *a, const char *object,
		   struct diags *dg)
{
	struct control_list l;
	int r = control_list(d, a, &l, dg);

	for (size_t i = 0; r >= 0 && i < l.n; i++) {
		const struct control *c = &l.control[i];
		char path[PATH_MAX];
		bool others = false;

		for (size_t k = 0; k < c->n_hook; k++)
			others |= strcmp(c->hook[k].object, object) != 0;
		snprintf(path, sizeof(path), MAPFMT_CONTROL_DIR "/%s", c->id);
		if (!others && unlinkat(d->fd, path, 0) && errno != ENOENT)
			r = diag(dg, DIAG_E002, at_file(path), "%s", strerror(errno));
	}
	control_close(&l);
	return r;
}
