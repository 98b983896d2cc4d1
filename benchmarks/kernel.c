/* SPDX-License-Identifier: MIT
 *
 * bench_kernel OBJECT SYMBOL TARGET ARG...: runs TARGET with the object's programs attached in the
 * kernel: to SYMBOL by a uprobe, to the probe bench:hit, or to a tracepoint.  The value of its map
 * `count` or `lost` goes to stderr as "count N": the harness compares it with the calls made. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_LINKS = 8 };

static int fail(const char *what)
{
	fprintf(stderr, "bench_kernel: %s: %s\n", what, strerror(errno));
	return 1;
}

static int run(char **argv, int ring_fd)
{
	char fd[16];
	int st;
	pid_t pid = fork();

	if (pid < 0)
		return fail("fork");
	if (!pid) {
		if (ring_fd >= 0) {
			fcntl(ring_fd, F_SETFD, 0);
			snprintf(fd, sizeof(fd), "%d", ring_fd);
			setenv("BENCH_RING_FD", fd, 1);
			setenv("BENCH_RING_OFF", "0", 1);
		}
		execv(argv[0], argv);
		_exit(127);
	}
	if (waitpid(pid, &st, 0) < 0)
		return fail("waitpid");
	return WIFEXITED(st) ? WEXITSTATUS(st) : 1;
}

static void report(struct bpf_object *obj, const char *name)
{
	struct bpf_map *m = bpf_object__find_map_by_name(obj, name);
	unsigned key = 0, next;
	unsigned long long n = 0;

	if (!m)
		return;
	if (!bpf_map_get_next_key(bpf_map__fd(m), NULL, &next))
		key = next;
	bpf_map_lookup_elem(bpf_map__fd(m), &key, &n);
	fprintf(stderr, "%s %llu\n", name, n);
}

static bool starts(const char *s, const char *with)
{
	return !strncmp(s, with, strlen(with));
}

/* libbpf looks for tracepoints there.  Where nobody mounted it, this process alone does. */
static void mount_tracefs(void)
{
	if (access("/sys/kernel/tracing/events", F_OK) && !unshare(CLONE_NEWNS) &&
	    !mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, NULL);
}

static struct bpf_link *attach(struct bpf_program *prog, const char *symbol, const char *path)
{
	const char *sec = bpf_program__section_name(prog);
	LIBBPF_OPTS(bpf_uprobe_opts, opts, .func_name = symbol, .retprobe = starts(sec, "uretprobe"));

	if (starts(sec, "usdt"))
		return bpf_program__attach_usdt(prog, -1, path, "bench", "hit", NULL);
	if (starts(sec, "tracepoint"))
		return bpf_program__attach(prog);
	return bpf_program__attach_uprobe_opts(prog, -1, path, 0, &opts);
}

int main(int argc, char **argv)
{
	struct bpf_link *link[MAX_LINKS];
	struct bpf_program *prog;
	struct bpf_object *obj;
	struct bpf_map *ring;
	size_t n = 0;
	int r;

	if (argc < 4) {
		fputs("usage: bench_kernel OBJECT SYMBOL TARGET ARG...\n", stderr);
		return 2;
	}
	mount_tracefs();
	obj = bpf_object__open_file(argv[1], NULL);
	if (!obj || bpf_object__load(obj))
		return fail(argv[1]);
	bpf_object__for_each_program(prog, obj) {
		if (n == MAX_LINKS || !(link[n] = attach(prog, argv[2], argv[3])))
			return fail("attach");
		n++;
	}
	ring = bpf_object__find_map_by_name(obj, "records");
	r = run(argv + 3, ring ? bpf_map__fd(ring) : -1);
	while (n)
		bpf_link__destroy(link[--n]);
	report(obj, "count");
	report(obj, "lost");
	bpf_object__close(obj);
	return r;
}
