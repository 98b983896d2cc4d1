/* SPDX-License-Identifier: MIT */
#include "proc.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { PAGE = 4096 };

static FILE *open_proc(int pid, const char *file)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	return fopen(path, "re");
}

/* The first line that starts with "FIELD:"; what follows. */
static bool status_line(int pid, const char *field, char *out, size_t bytes)
{
	FILE *f = open_proc(pid, "status");
	size_t n = strlen(field);
	bool found = false;
	char line[512];

	while (f && !found && fgets(line, sizeof(line), f))
		if (!strncmp(line, field, n) && line[n] == ':') {
			snprintf(out, bytes, "%s", line + n + 1 + strspn(line + n + 1, " \t"));
			out[strcspn(out, "\n")] = 0;
			found = true;
		}
	if (f)
		fclose(f);
	return found;
}

long proc_status(int pid, const char *field)
{
	char text[256], *end;
	long v;

	if (!status_line(pid, field, text, sizeof(text)))
		return -1;
	v = strtol(text, &end, 10);
	return end == text ? -1 : v;
}

char proc_state(int pid)
{
	char text[64];

	return status_line(pid, "State", text, sizeof(text)) ? text[0] : 0;
}

/* Field 22 of stat, behind the command's name, which may hold anything. */
static uint64_t start_time(int pid)
{
	FILE *f = open_proc(pid, "stat");
	char line[1024], *at = NULL;
	uint64_t v = 0;

	if (f && fgets(line, sizeof(line), f))
		at = strrchr(line, ')');
	if (f)
		fclose(f);
	for (int i = 0; at && i < 20; i++)
		at = strchr(at + 1, ' ');
	if (at)
		v = strtoull(at, NULL, 10);
	return v;
}

static const char *user_name(struct arena *a, long uid)
{
	struct passwd *pw = getpwuid((uid_t)uid);

	return pw ? arena_strdup(a, pw->pw_name) : arena_printf(a, "%ld", uid);
}

static int check_traceable(struct proc *p, struct diags *dg)
{
	char state = proc_state(p->pid);
	long tracer = proc_status(p->pid, "TracerPid");
	char comm[64] = "";

	if (state == 'Z' || state == 'X')
		return diag(dg, DIAG_P300, at_file(p->name), "it has ended already");
	if (proc_status(p->pid, "VmSize") < 0)
		return diag(dg, DIAG_P301, at_file(p->name), "it is a thread of the kernel");
	if (tracer > 0 && tracer != getpid()) {
		status_line((int)tracer, "Name", comm, sizeof(comm));
		return diag(dg, DIAG_P301, at_file(p->name), "process %ld (%s) traces it already",
			    tracer, comm);
	}
	return 0;
}

/* Why the kernel says EPERM. */
static int not_permitted(struct proc *p, int err, struct diags *dg)
{
	char path[64], scope[8] = "0";
	FILE *f = fopen("/proc/sys/kernel/yama/ptrace_scope", "re");
	struct stat st;

	if (f) {
		if (!fgets(scope, sizeof(scope), f))
			scope[0] = '0';
		fclose(f);
	}
	snprintf(path, sizeof(path), "/proc/%d/mem", p->pid);	/* root's where protected */
	if (err != EPERM && err != EACCES)
		return diag(dg, DIAG_P301, at_file(p->name), "%s", strerror(err));
	if (geteuid() && p->uid != geteuid())
		return diag(dg, DIAG_P301, at_file(p->name), "it belongs to %s",
			    user_name(p->arena, (long)p->uid));
	if (geteuid() && !stat(path, &st) && st.st_uid != p->uid)
		return diag(dg, DIAG_P301, at_file(p->name),
			    "it has asked for protection (PR_SET_DUMPABLE 0, or it changed its user)");
	if (scope[0] != '0')
		return diag(dg, DIAG_P301, at_file(p->name),
			    "kernel.yama.ptrace_scope is %c; root may, or: bpftime-patch run -- COMMAND",
			    scope[0]);
	return diag(dg, DIAG_P301, at_file(p->name), "the kernel does not permit it");
}

/* All that is known of processes is in /proc. */
static int not_seen(const struct proc *p, struct diags *dg)
{
	bool there = p->pid > 0 && (!kill(p->pid, 0) || errno == EPERM);

	if (access("/proc/self/status", R_OK))
		return diag(dg, DIAG_P301, at_file(p->name), "/proc, which shows its memory, is not mounted");
	if (there && proc_status(p->pid, "Tgid") < 0)
		return diag(dg, DIAG_P301, at_file(p->name), "/proc does not show it (hidepid, or that of another namespace)");
	return diag(dg, DIAG_P300, at_file(p->name), "there is none of that number");
}

int proc_open(struct arena *a, int pid, struct proc **out, struct diags *dg)
{
	struct proc *p = arena_alloc(a, sizeof(*p));
	char comm[64] = "?", uids[128] = "";
	long tgid = proc_status(pid, "Tgid");
	unsigned euid = 0;
	int r;

	p->arena = a;
	p->mem = -1;
	p->pid = tgid > 0 ? (int)tgid : pid;
	p->name = arena_printf(a, "process %d", p->pid);
	if (pid <= 0 || tgid < 0)
		return not_seen(p, dg);
	status_line(p->pid, "Name", comm, sizeof(comm));
	p->name = arena_printf(a, "process %d (%s)", p->pid, comm);
	status_line(p->pid, "Uid", uids, sizeof(uids));
	if (sscanf(uids, "%*u %u", &euid) == 1)
		p->uid = euid;
	p->seccomp = (int)proc_status(p->pid, "Seccomp");
	p->start_time = start_time(p->pid);
	if (p->pid == getpid())
		return diag(dg, DIAG_P301, at_file(p->name), "that is this very program");
	if ((r = check_traceable(p, dg)) < 0)
		return r;
	r = proc_refresh(p, dg);
	if (r < 0)
		proc_close(p);
	*out = p;
	return r;
}

void proc_close(struct proc *p)
{
	if (p->mem >= 0)
		close(p->mem);
	p->mem = -1;
	arena_free(p->maps_arena);
	p->maps_arena = NULL;
}

bool proc_alive(const struct proc *p)
{
	return start_time(p->pid) == p->start_time && proc_status(p->pid, "VmSize") >= 0;
}

static bool parse_map(struct arena *a, char *line, struct proc_map *m)
{
	static const char deleted[] = " (deleted)";
	unsigned major, minor;
	char rights[5];
	int at = 0;
	size_t n;

	*m = (struct proc_map){ 0 };
	line[strcspn(line, "\n")] = 0;
	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64 " %n", &m->start,
		   &m->end, rights, &m->foff, &major, &minor, &m->ino, &at) < 7 || !at)
		return false;
	m->dev = makedev(major, minor);
	m->r = rights[0] == 'r';
	m->w = rights[1] == 'w';
	m->x = rights[2] == 'x';
	m->shared = rights[3] == 's';
	n = strlen(line + at);
	m->deleted = m->ino && n > sizeof(deleted) &&
		     !strcmp(line + at + n - (sizeof(deleted) - 1), deleted);
	m->path = arena_strndup(a, line + at, n - (m->deleted ? sizeof(deleted) - 1 : 0));
	return m->start < m->end;
}

int proc_refresh(struct proc *p, struct diags *dg)
{
	char path[64], *line = NULL;
	size_t cap = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/mem", p->pid);
	if (p->mem >= 0)
		close(p->mem);
	p->mem = open(path, O_RDWR | O_CLOEXEC);
	if (p->mem < 0 && errno == ENOENT)
		return diag(dg, DIAG_P300, at_file(p->name), "it has ended");
	if (p->mem < 0)
		return not_permitted(p, errno, dg);
	f = open_proc(p->pid, "maps");
	if (!f)
		return not_permitted(p, errno, dg);
	arena_free(p->maps_arena);
	p->maps_arena = arena_new();
	p->map = NULL;
	p->n_map = p->cap_map = 0;
	while (getline(&line, &cap, f) > 0) {
		struct proc_map m;

		if (parse_map(p->maps_arena, line, &m))
			*ARENA_PUSH(p->maps_arena, p->map, p->n_map, p->cap_map) = m;
	}
	free(line);
	fclose(f);
	return p->n_map ? 0 : diag(dg, DIAG_P300, at_file(p->name), "it has ended");
}

size_t proc_read_some(const struct proc *p, uint64_t at, void *to, size_t n)
{
	size_t got = 0;

	while (got < n && at + got <= INT64_MAX) {
		ssize_t r = pread(p->mem, (char *)to + got, n - got, (off_t)(at + got));

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			break;
		got += (size_t)r;
	}
	return got;
}

bool proc_read(const struct proc *p, uint64_t at, void *to, size_t n)
{
	return proc_read_some(p, at, to, n) == n;
}

/* Word by word: where /proc/PID/mem may not be forced (proc_mem.force_override=never). */
static bool poke(const struct proc *p, uint64_t at, const uint8_t *from, size_t n)
{
	while (n) {
		uint64_t base = at & ~7ull, word;
		size_t off = (size_t)(at - base), len = 8 - off < n ? 8 - off : n;

		if (!proc_read(p, base, &word, 8))
			return false;
		memcpy((uint8_t *)&word + off, from, len);
		if (ptrace(PTRACE_POKEDATA, p->pid, (void *)base, (void *)word))
			return false;
		at += len;
		from += len;
		n -= len;
	}
	return true;
}

bool proc_write(const struct proc *p, uint64_t at, const void *from, size_t n)
{
	size_t done = 0;

	while (done < n) {
		ssize_t r = pwrite(p->mem, (const char *)from + done, n - done, (off_t)(at + done));

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return poke(p, at + done, (const uint8_t *)from + done, n - done);
		done += (size_t)r;
	}
	return true;
}

const struct proc_map *proc_map_at(const struct proc *p, uint64_t at)
{
	size_t lo = 0, hi = p->n_map;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (p->map[mid].end <= at)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < p->n_map && p->map[lo].start <= at ? &p->map[lo] : NULL;
}

struct proc_module *proc_modules(struct proc *p, size_t *n)
{
	struct proc_module *m = NULL;
	size_t cap = 0;
	char path[64];
	struct stat exe = { 0 };

	*n = 0;
	snprintf(path, sizeof(path), "/proc/%d/exe", p->pid);
	if (stat(path, &exe))
		exe.st_ino = 0;
	for (size_t i = 0; i < p->n_map; i++) {
		const struct proc_map *at = &p->map[i], *before = i ? at - 1 : NULL;
		struct proc_module one = { .code = *at };

		if (!at->x || !at->ino || at->path[0] != '/')
			continue;
		/* A change of rights splits a mapping; the halves are one module. */
		if (before && before->x && before->ino == at->ino && before->dev == at->dev &&
		    before->end == at->start)
			continue;
		one.path = one.code.path = arena_strdup(p->arena, at->path);
		one.exe = exe.st_ino && at->ino == exe.st_ino;
		*ARENA_PUSH(p->arena, m, *n, cap) = one;
		if (one.exe && *n > 1 && !m[0].exe) {
			m[*n - 1] = m[0];
			m[0] = one;
		}
	}
	return m;
}

/* In order of preference; the first two open the very file, whatever its name means now. */
static const char *module_file(struct proc *p, const struct proc_module *m)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/proc/%d/exe", p->pid);
	if (m->exe && !access(path, R_OK))
		return arena_strdup(p->arena, path);
	snprintf(path, sizeof(path), "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, p->pid,
		 m->code.start, m->code.end);
	if (!access(path, R_OK))
		return arena_strdup(p->arena, path);
	snprintf(path, sizeof(path), "/proc/%d/root%s", p->pid, m->path);
	return arena_strdup(p->arena, path);
}

/* From the mapping and the segment it shows. */
static bool find_bias(struct proc_module *m)
{
	for (size_t i = 0; i < m->im->eh.e_phnum; i++) {
		const Elf64_Phdr *ph = &m->im->ph[i];
		uint64_t first = ph->p_offset & ~(uint64_t)(PAGE - 1);

		if (ph->p_type != PT_LOAD || !(ph->p_flags & PF_X) || m->code.foff != first)
			continue;
		m->bias = m->code.start - (ph->p_vaddr - (ph->p_offset - first));
		return m->im->eh.e_type == ET_DYN || !m->bias;
	}
	return false;
}

/* Does the memory hold these bytes of the file?  What is not mapped says nothing. */
static bool same_in_memory(const struct proc *p, const struct proc_module *m, uint64_t vaddr,
			   uint64_t n)
{
	const uint8_t *file = image_at(m->im, vaddr, n);
	uint8_t buf[PAGE];

	return !file || n > sizeof(buf) || !proc_read(p, m->bias + vaddr, buf, n) ||
	       !memcmp(buf, file, n);
}

/* Headers and notes, the build id among them. */
static bool is_that_file(const struct proc *p, const struct proc_module *m)
{
	const struct image *im = m->im;
	uint64_t base = im->ph[0].p_vaddr;

	for (size_t i = 0; i < im->eh.e_phnum; i++) {
		const Elf64_Phdr *ph = &im->ph[i];

		if (ph->p_type == PT_LOAD && !ph->p_offset) {
			base = ph->p_vaddr;
			if (!same_in_memory(p, m, base, sizeof(im->eh)) ||
			    !same_in_memory(p, m, base + im->eh.e_phoff,
					    im->eh.e_phnum * sizeof(*ph)))
				return false;
		}
		if (ph->p_type == PT_NOTE && !same_in_memory(p, m, ph->p_vaddr, ph->p_filesz))
			return false;
	}
	return true;
}

int proc_module_read(struct proc *p, struct proc_module *m, struct diags *dg)
{
	const char *file;
	int r;

	if (m->im)
		return 0;
	file = module_file(p, m);
	r = image_read(p->arena, file, &m->im, dg);
	if (r < 0)
		return r;
	m->im->path = arena_strdup(p->arena, m->path);
	if (!find_bias(m) || !is_that_file(p, m)) {
		m->im = NULL;
		return diag(dg, DIAG_P302, at_file(m->path),
			    "what %s runs is not what this file holds now%s", p->name,
			    m->code.deleted ? " (it was replaced; root can read the old one)" : "");
	}
	return 0;
}
