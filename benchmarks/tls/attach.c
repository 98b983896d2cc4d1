/* SPDX-License-Identifier: MIT
 *
 * bench_attach OBJECT LIBRARY PID CONSUMER: attaches the object's uprobe programs to the functions of
 * the library that their SEC() names say, in one process, and becomes
 *
 *     CONSUMER fd:N 0
 *
 * where N is the ring buffer `events`.  The probes stay as long as it does. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int fail(const char *what)
{
	fprintf(stderr, "bench_attach: %s: %s\n", what, strerror(errno));
	return 1;
}

static void keep(int fd)
{
	fcntl(fd, F_SETFD, 0);
}

int main(int argc, char **argv)
{
	struct bpf_program *prog;
	struct bpf_object *obj;
	char fd[32];

	if (argc != 5) {
		fputs("usage: bench_attach OBJECT LIBRARY PID CONSUMER\n", stderr);
		return 2;
	}
	obj = bpf_object__open_file(argv[1], NULL);
	if (!obj || bpf_object__load(obj))
		return fail(argv[1]);
	bpf_object__for_each_program(prog, obj) {
		const char *sec = bpf_program__section_name(prog);
		LIBBPF_OPTS(bpf_uprobe_opts, opts, .func_name = strrchr(sec, ':') + 1,
			    .retprobe = !strncmp(sec, "uretprobe", 9));
		struct bpf_link *link = bpf_program__attach_uprobe_opts(prog, atoi(argv[3]), argv[2], 0,
								      &opts);

		if (!link)
			return fail(sec);
		keep(bpf_link__fd(link));
	}
	snprintf(fd, sizeof(fd), "fd:%d", bpf_object__find_map_fd_by_name(obj, "events"));
	keep(atoi(fd + 3));
	execl(argv[4], argv[4], fd, "0", NULL);
	return fail(argv[4]);
}
