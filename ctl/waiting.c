/* SPDX-License-Identifier: MIT
 *
 * waiting.c - hooks that were attached to a running process and not hit so far: nothing has initialised them, so they
 * have no control file, but their payload's tables are in the process's memory.  What init will write into the file
 * is made from them here, byte for byte.  Whoever runs there may have written them: everything is bounded. */
#include <elf.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control.h"
#include "file.h"
#include "mapfmt.h"
#include "objfmt.h"
#include "part.h"

enum { OBJECTS = 256, ATTACHES = 1 << 16, CONTROL_BYTES = 1 << 20, PAGE = 4096 };

struct payload {
	struct proc *p;
	struct arena *a;
	uint64_t at, n;		/* its first mapping, from the payload's header on */
	uint64_t end;		/* of its second one, from there */
	struct bpftime_payload head;
	uint64_t object[OBJECTS];	/* offsets */
	struct objfmt_object row[OBJECTS];
	size_t n_object;
};

static bool get(const struct payload *pl, uint64_t off, void *to, size_t n)
{
	return off <= pl->n && n <= pl->n - off && proc_read(pl->p, pl->at + off, to, n);
}

/* What a self-relative field means: an offset; false: nothing. */
static bool follow(const struct payload *pl, uint64_t off, uint64_t *to)
{
	int32_t rel;

	if (!get(pl, off, &rel, sizeof(rel)) || !rel)
		return false;
	*to = off + (uint64_t)(int64_t)rel;
	return true;
}

/* As init copies it: cut, and nothing behind its end. */
static void name_at(const struct payload *pl, uint64_t off, char *to, size_t bytes)
{
	size_t n = 0;
	uint64_t at;

	if (follow(pl, off, &at) && at < pl->n)
		n = proc_read_some(pl->p, pl->at + at, to, bytes - 1);
	n = strnlen(to, n);
	memset(to + n, 0, bytes - n);
}

static bool read_payload(struct payload *pl)
{
	uint64_t list;

	if (!get(pl, 0, &pl->head, sizeof(pl->head)) || pl->head.magic != OBJFMT_PAYLOAD_MAGIC ||
	    pl->head.version != OBJFMT_PAYLOAD_VERSION || pl->head.n_attach > ATTACHES ||
	    pl->head.control_bytes % PAGE || pl->head.control_bytes > CONTROL_BYTES ||
	    pl->head.control_bytes < RT_CONTROL_WORDS_OFF + sizeof(uint32_t) * pl->head.n_attach ||
	    !follow(pl, offsetof(struct bpftime_payload, objects_rel), &list))
		return false;
	for (uint32_t i = 0; i < pl->head.n_objects && i < OBJECTS; i++, pl->n_object++)
		if (!follow(pl, list + 4ull * i, &pl->object[i]) ||
		    !get(pl, pl->object[i], &pl->row[i], sizeof(pl->row[i])))
			return false;
	return true;
}

static void fill_row(const struct payload *pl, uint64_t at, struct rt_control_attach *to)
{
	struct bpftime_attach row;
	uint64_t hooks, site;

	if (!get(pl, at, &row, sizeof(row)))
		return;
	to->cookie = row.cookie;
	name_at(pl, at + offsetof(struct bpftime_attach, symbol_rel), to->symbol, sizeof(to->symbol));
	if (row.site_rel) {
		site = at + offsetof(struct bpftime_attach, site_rel) + (uint64_t)(int64_t)row.site_rel;
		to->vaddr = site + pl->head.self_vaddr;
	}
	for (size_t i = 0; i < pl->n_object; row.hook -= pl->row[i++].n_hooks) {
		struct objfmt_hook hook;

		if (row.hook >= pl->row[i].n_hooks)
			continue;
		if (!follow(pl, pl->object[i] + offsetof(struct objfmt_object, hooks_rel), &hooks) ||
		    !get(pl, hooks += row.hook * sizeof(hook), &hook, sizeof(hook)))
			return;
		to->kind = hook.kind;
		name_at(pl, hooks + offsetof(struct objfmt_hook, prog_rel), to->prog, sizeof(to->prog));
		name_at(pl, pl->object[i] + offsetof(struct objfmt_object, name_rel), to->object, sizeof(to->object));
		return;
	}
}

/* All zero until it is initialised. */
static uint64_t control_magic(const struct payload *pl)
{
	uint64_t at, magic = 0;

	if (follow(pl, offsetof(struct bpftime_payload, control_rel), &at) && at < pl->end)
		proc_read_some(pl->p, pl->at + at, &magic, sizeof(magic));
	return magic;
}

/* Will it keep its maps to itself?  (more_rights() of the runtime) */
static bool is_private(const struct payload *pl)
{
	char path[64];
	uint64_t aux[2];
	bool secure = true;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/auxv", pl->p->pid);
	f = fopen(path, "re");
	while (f && fread(aux, sizeof(aux), 1, f) == 1)
		if (aux[0] == AT_SECURE)
			secure = aux[1] != 0;
	if (f)
		fclose(f);
	return secure || pl->head.bits & PAYLOAD_PRIVATE || pl->p->uid != geteuid();
}

/* Where it will look for its control file. */
static const char *directory(const struct payload *pl)
{
	char stamped[MAPFMT_DIR_BYTES];

	if (control_magic(pl) || is_private(pl))
		return "";
	name_at(pl, offsetof(struct bpftime_payload, dir_rel), stamped, sizeof(stamped));
	return stamped[0] ? arena_strdup(pl->a, stamped) : arena_printf(pl->a, "/dev/shm/bpftime-%u", pl->p->uid);
}

/* Is that, as the process sees it, this directory?  One that is not there may be made by either. */
static bool is_here(const struct mapdir *d, const char *dir, int pid)
{
	char path[PATH_MAX + 64];
	struct stat ours, theirs;

	if (!*dir)
		return false;
	if (d->fd < 0)
		return !strcmp(dir, d->path);
	snprintf(path, sizeof(path), "/proc/%d/root%s", pid, dir);
	return !fstat(d->fd, &ours) && !stat(path, &theirs) && ours.st_dev == theirs.st_dev &&
	       ours.st_ino == theirs.st_ino;
}

static void fill(const struct payload *pl, struct rt_control *f)
{
	uint32_t *word = (uint32_t *)((char *)f + RT_CONTROL_WORDS_OFF);
	struct rt_control_attach *row = (struct rt_control_attach *)((char *)f + pl->head.control_bytes);
	uint64_t attach = 0;

	*f = (struct rt_control){ .magic = RT_CONTROL_MAGIC, .version = RT_CONTROL_VERSION, .size = sizeof(*f),
				  .n_attach = pl->head.n_attach, .attach_off = pl->head.control_bytes,
				  .bits = pl->head.bits };
	memcpy(f->payload_id, pl->head.id, sizeof(f->payload_id));
	name_at(pl, offsetof(struct bpftime_payload, target_rel), f->target, sizeof(f->target));
	follow(pl, offsetof(struct bpftime_payload, attach_rel), &attach);
	for (uint32_t i = 0; i < pl->head.n_attach; i++) {
		word[i] = RT_ENABLED;
		fill_row(pl, attach + i * sizeof(struct bpftime_attach), &row[i]);
	}
}

static void add(const struct mapdir *d, struct control_list *l, const struct payload *pl)
{
	uint64_t rows = pl->head.n_attach * sizeof(struct rt_control_attach);
	struct control c = { .bytes = (pl->head.control_bytes + rows + PAGE - 1) & ~(PAGE - 1ull) };

	c.id = arena_hex(pl->a, pl->head.id, CONTROL_ID_BYTES);
	c.awaited = directory(pl);
	c.here = is_here(d, c.awaited, pl->p->pid);
	for (size_t i = 0; i < l->n; i++) {
		struct control *same = &l->control[i];

		if (strcmp(same->id, c.id))
			continue;
		if (same->awaited ? !strcmp(same->awaited, c.awaited) : c.here)
			control_add_pid(same, pl->a, pl->p->pid);
		return;
	}
	c.file = mmap(NULL, c.bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (c.file == MAP_FAILED)
		return;
	fill(pl, c.file);
	control_read_hooks(&c, pl->a, pl->head.n_attach, pl->head.control_bytes);
	control_add_pid(&c, pl->a, pl->p->pid);
	*ARENA_PUSH(pl->a, l->control, l->n, l->cap) = c;
}

static void look_at(const struct mapdir *d, struct control_list *l, struct arena *a, int pid)
{
	struct diags quiet = { 0 };
	struct live_list found;
	struct proc *p;

	if (proc_open(a, pid, &p, &quiet) < 0)
		return;
	live_read(p, &found, &quiet);
	for (size_t i = 0; i < found.n; i++) {
		const struct livefmt_head *h = &found.found[i].head;
		struct payload *pl = arena_alloc(a, sizeof(*pl));

		if (h->state != LIVE_ATTACHED || h->bits & LIVE_UNWIND || h->payload_off >= h->rx_bytes)
			continue;
		*pl = (struct payload){ .p = p, .a = a, .at = h->self + h->payload_off,
					.n = h->rx_bytes - h->payload_off,
					.end = h->rx_bytes - h->payload_off + h->rw_bytes };
		if (read_payload(pl))
			add(d, l, pl);
	}
	proc_close(p);
}

void control_add_waiting(const struct mapdir *d, struct control_list *l, struct arena *a, int pid)
{
	int *all = NULL;
	size_t n = pid ? 0 : control_processes(a, &all);

	if (pid)
		look_at(d, l, a, pid);
	for (size_t i = 0; i < n; i++)
		look_at(d, l, a, all[i]);
}

static int put_control(int fd, const void *arg)
{
	const struct control *c = arg;

	return file_put(fd, c->file, c->bytes) ? errno : 0;
}

int control_make(struct mapdir *d, struct arena *a, struct control *c, struct diags *dg)
{
	struct control made;
	int folder = mapdir_make_folder(d, MAPFMT_CONTROL_DIR, dg), err;

	if (folder < 0)
		return folder;
	/* Once more, as there is a directory now: the process may have another /dev/shm. */
	err = is_here(d, c->awaited, c->pid[0]) ? mapdir_make_file(folder, c->id, put_control, c) : ENOENT;
	close(folder);
	if (err && err != EEXIST)	/* the process was first */
		return diag(dg, DIAG_E002, at_file(d->path), "%s", strerror(err));
	if (!control_open(d, a, c->id, &made, dg))	/* which has said why */
		return diag(dg, DIAG_M010, at_file(c->id), "the hooks stay as they are");
	made.pid = c->pid;
	made.n_pid = c->n_pid;
	made.cap_pid = c->cap_pid;
	munmap(c->file, c->bytes);
	*c = made;
	return 0;
}
