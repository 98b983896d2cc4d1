// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "both.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cerrno>
#include <cstdarg>
#include <cstring>
#include <map>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "compiler.h"
#include "load.h"
#include "relocator.h"
#include "rt_archive.h"
#include "rt_maps.h"
#include "verify.h"

enum { PACKET_BYTES = 64, PAGE = 4096 };

static struct unit *read_unit(const std::string &object, struct diags *dg)
{
	struct relocate_opts ro = {};
	struct unit *u = nullptr;
	return relocate(object.c_str(), &ro, &u, dg) < 0 ? nullptr : u;
}

std::vector<std::string> both_programs(const std::string &object)
{
	struct diags dg = {};
	std::vector<std::string> v;
	dg.out = stderr;
	struct unit *u = read_unit(object, &dg);
	for (size_t i = 0; u && i < u->n_prog; i++)
		v.push_back(u->prog[i].name);
	unit_free(u);
	return v;
}

static bool compile(struct arena *a, const std::string &path, unsigned level, struct bytes *obj)
{
	std::vector<const struct vfy_result *> list;
	struct compile_opts opts = {};
	struct vfy_opts vo = {};
	struct diags dg = {};
	dg.out = stderr;
	struct unit *u = read_unit(path, &dg);
	if (!u)
		return false;
	std::vector<struct vfy_result> facts(u->n_prog);
	for (size_t i = 0; i < u->n_prog; i++) {
		if (vfy_verify(a, u, &u->prog[i], &vo, &facts[i], &dg))
			return false;
		list.push_back(&facts[i]);
	}
	opts.opt_level = level;
	return !compile_object(a, u, list.data(), &opts, obj, &dg);
}

// Made once; empty when it is refused.
static struct bytes compiled(const std::string &path, unsigned level)
{
	static std::map<std::pair<std::string, unsigned>, struct bytes> made;
	static struct arena *a = arena_new();
	auto at = made.emplace(std::make_pair(path, level), bytes{});
	if (at.second && !compile(a, path, level, &at.first->second))
		at.first->second = {};
	return at.first->second;
}

static void *map_base(const struct bpftime_map *m)
{
	return m->room_rel ? BPFTIME_REL(void, m->room_rel) : *BPFTIME_REL(void *, m->slot_rel);
}

// The producer's page, and the data behind it.
static void fill(uint8_t *producer, const both_ring &ring)
{
	memcpy(producer + PAGE, ring.data.data(), ring.data.size());
	__atomic_store_n((uint64_t *)producer, ring.producer, __ATOMIC_RELEASE);
}

static bool run_here(struct bytes obj, const char *prog, uint64_t *out, const both_ring *ring, unsigned ms)
{
	struct diags dg = {};
	struct lnk_loaded l;
	dg.out = stderr;
	struct lnk *lnk = lnk_new(arena_new(), rt_archive());
	if (lnk_add_object(lnk, "both", obj, false, &dg) < 0 || lnk_load_here(lnk, PAYLOAD_PRIVATE, &l, &dg) < 0)
		return false;
	uint64_t tail_calls = 0;
	char packet[PACKET_BYTES] = {};
	struct bpftime_xdp xdp = {};
	xdp.data = xdp.data_meta = (uintptr_t)packet;
	xdp.data_end = (uintptr_t)packet + PACKET_BYTES;
	const struct bpftime_map *m = lnk_loaded_map(&l, "out");
	const struct bpftime_map *samples = lnk_loaded_map(&l, "samples");
	if (!m || !lnk_loaded_body(&l, prog) || (ring && !samples))
		return false;
	if (ring)
		fill((uint8_t *)map_base(samples) + PAGE, *ring);
	lnk_loaded_body(&l, prog)(&xdp, (uintptr_t)&tail_calls);
	usleep(ms * 1000);
	for (uint32_t i = 0; i < BOTH_OUT; i++)
		if (rt_map_lookup(m, map_base(m), &i, &out[i], 0))
			return false;
	if (ring)
		out[BOTH_OUT] = *(const uint64_t *)map_base(samples);
	return true;
}

// A crash, or a loop without end, is an answer.
ran both_here(const std::string &object, const std::string &prog, unsigned level, const both_ring *ring, unsigned ms)
{
	auto out = (uint64_t *)mmap(nullptr, (BOTH_OUT + 1) * 8, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ran r;
	int status = 0;
	struct bytes obj = compiled(object, level);
	fflush(nullptr);
	pid_t pid = obj.n ? fork() : -1;
	if (!pid) {
		struct rlimit limit = {20, 20};
		setrlimit(RLIMIT_CPU, &limit);
		_exit(run_here(obj, prog.c_str(), out, ring, ms) ? 0 : 1);
	}
	r.ok = pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && !WEXITSTATUS(status);
	r.why = WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status)) : "refused";
	r.out.assign(out, out + BOTH_OUT);
	r.consumer = out[BOTH_OUT];
	munmap(out, (BOTH_OUT + 1) * 8);
	return r;
}

static int silent(enum libbpf_print_level, const char *, va_list) { return 0; }

ran both_kernel(const std::string &object, const std::string &prog, const both_ring *ring, unsigned ms)
{
	ran r;
	char packet[PACKET_BYTES] = {};
	static char log[1 << 16];
	libbpf_set_print(silent);
	struct bpf_object *o = bpf_object__open_file(object.c_str(), nullptr);
	struct bpf_program *p = nullptr, *q = nullptr;
	log[0] = 0;
	while (o && (q = bpf_object__next_program(o, q))) {
		bpf_program__set_autoload(q, prog == bpf_program__name(q));
		if (prog == bpf_program__name(q))
			p = q;
	}
	if (p)
		bpf_program__set_log_buf(p, log, sizeof(log));
	if (!p || bpf_object__load(o)) {
		r.why = log;
	} else {
		LIBBPF_OPTS(bpf_test_run_opts, t, .data_in = packet, .data_size_in = sizeof(packet), .repeat = 1);
		if (bpf_program__type(p) == BPF_PROG_TYPE_RAW_TRACEPOINT)
			t.data_in = nullptr, t.data_size_in = 0, t.repeat = 0;
		int m = bpf_object__find_map_fd_by_name(o, "out"), samples = -1;
		if (ring) {
			samples = bpf_object__find_map_fd_by_name(o, "samples");
			void *p = mmap(nullptr, PAGE + ring->data.size(), PROT_READ | PROT_WRITE, MAP_SHARED, samples, PAGE);
			fill((uint8_t *)p, *ring);
			munmap(p, PAGE + ring->data.size());
		}
		r.out.resize(BOTH_OUT);
		r.ok = !bpf_prog_test_run_opts(bpf_program__fd(p), &t);
		usleep(ms * 1000);
		for (uint32_t i = 0; i < BOTH_OUT; i++)
			r.ok = r.ok && !bpf_map_lookup_elem(m, &i, &r.out[i]);
		r.why = strerror(errno);
		if (ring) {
			void *p = mmap(nullptr, PAGE, PROT_READ, MAP_SHARED, samples, 0);
			r.consumer = *(const uint64_t *)p;
			munmap(p, PAGE);
		}
	}
	bpf_object__close(o);
	return r;
}

bool both_kernel_usable()
{
	static const struct bpf_insn ret0[] = {{BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0}, {BPF_JMP | BPF_EXIT, 0, 0, 0, 0}};
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "probe", "GPL", ret0, 2, nullptr);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

void both_compare(const std::string &object, const std::string &prog)
{
	if (!both_kernel_usable())
		GTEST_SKIP() << "this process may not load BPF programs into the kernel";
	ran kernel = both_kernel(object, prog);
	ASSERT_TRUE(kernel.ok) << kernel.why;
	for (unsigned level : {1u, 3u}) {
		ran here = both_here(object, prog, level);
		ASSERT_TRUE(here.ok) << here.why << " at -O" << level;
		EXPECT_EQ(here.out, kernel.out) << "at -O" << level;
	}
}
