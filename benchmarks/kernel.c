/* SPDX-License-Identifier: MIT
 *
 * bench_kernel OBJECT SYMBOL TARGET ARG...: runs TARGET with the object's program attached to
 * SYMBOL by a kernel uprobe.  The value of its map `count` or `lost` goes to stderr as
 * "count N": the harness compares it with the calls made. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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

int main(int argc, char **argv)
{
	LIBBPF_OPTS(bpf_uprobe_opts, opts);
	struct bpf_object *obj;
	struct bpf_program *prog;
	struct bpf_map *ring;
	struct bpf_link *link;
	int r;

	if (argc < 4) {
		fputs("usage: bench_kernel OBJECT SYMBOL TARGET ARG...\n", stderr);
		return 2;
	}
	obj = bpf_object__open_file(argv[1], NULL);
	if (!obj || bpf_object__load(obj))
		return fail(argv[1]);
	prog = bpf_object__next_program(obj, NULL);
	opts.func_name = argv[2];
	opts.retprobe = !strncmp(bpf_program__section_name(prog), "uretprobe", 9);
	link = bpf_program__attach_uprobe_opts(prog, -1, argv[3], 0, &opts);
	if (!link)
		return fail("attach");
	ring = bpf_object__find_map_by_name(obj, "records");
	r = run(argv + 3, ring ? bpf_map__fd(ring) : -1);
	bpf_link__destroy(link);
	report(obj, "count");
	report(obj, "lost");
	bpf_object__close(obj);
	return r;
}
