// SPDX-License-Identifier: MIT
// The samples at work: spliced into a program they say what the program did, and the same
// objects, attached to the same program by kernel uprobes, say the same.
#include "../tools.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <jansson.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <map>
#include <string>
#include <vector>

enum { CALLS = 40, NESTED = 3 };

// The target's pid, as it prints it.  No shell between: it would have the same pid, and
// calls malloc too.
static int run_target(const std::string &path, const std::string &dir)
{
	int fd[2], st = -1;
	char text[32] = "";
	std::string calls = std::to_string(CALLS), env = "BPFTIME_DIR=" + dir;
	char *argv[] = { (char *)path.c_str(), &calls[0], nullptr };
	char *envp[] = { &env[0], nullptr };
	if (pipe(fd))
		return -1;
	pid_t pid = fork();
	if (!pid) {
		dup2(fd[1], 1);
		execve(argv[0], argv, envp);
		_exit(127);
	}
	close(fd[1]);
	ssize_t n = read(fd[0], text, sizeof(text) - 1);
	close(fd[0]);
	waitpid(pid, &st, 0);
	EXPECT_EQ(st, 0) << path;
	EXPECT_GT(n, 0) << path;
	return atoi(text);
}

using entries = std::map<std::string, std::string>;	// raw key -> raw value

// One sample, run in one of two ways.
struct Sample {
	bool in_kernel;
	int pid = 0;	// of the target
	std::map<std::string, entries> maps;

	template <typename T> T get(const std::string &map, uint32_t key) const
	{
		T v = {};
		auto m = maps.find(map);
		if (m == maps.end())
			return v;
		auto e = m->second.find(std::string((const char *)&key, 4));
		if (e != m->second.end() && e->second.size() == sizeof(v))
			memcpy(&v, e->second.data(), sizeof(v));
		return v;
	}
};

static std::string object(const std::string &name)
{
	return std::string(BPFTIME_SAMPLES_DIR) + "/" + name + ".bpf.o";
}

// ---- through the kernel ----

// A probe counts every process that runs the file: each test has its own.
struct OwnTarget {
	char path[40] = "/tmp/bpftime-target-XXXXXX";

	OwnTarget()
	{
		int fd = mkstemp(path);
		fchmod(fd, 0755);
		close(fd);
		(void)!system(("cp " SAMPLE_TARGET " " + std::string(path)).c_str());
	}
	~OwnTarget() { unlink(path); }
};

static bool attach(struct bpf_program *p, const char *target, std::vector<struct bpf_link *> &links)
{
	LIBBPF_OPTS(bpf_uprobe_opts, o);
	std::string sec = bpf_program__section_name(p);
	struct bpf_link *l;
	if (sec.find('/') != sec.npos) {
		l = bpf_program__attach(p);
	} else {
		o.func_name = "target_work";
		o.retprobe = sec == "uretprobe";
		l = bpf_program__attach_uprobe_opts(p, -1, target, 0, &o);
	}
	if (l)
		links.push_back(l);
	return l != nullptr;
}

static entries read_map(struct bpf_map *m)
{
	entries r;
	std::string key(bpf_map__key_size(m), 0), value(bpf_map__value_size(m), 0);
	for (void *prev = nullptr; !bpf_map_get_next_key(bpf_map__fd(m), prev, &key[0]);
	     prev = &key[0])
		if (!bpf_map_lookup_elem(bpf_map__fd(m), &key[0], &value[0]))
			r[key] = value;
	return r;
}

// Returns why it cannot be done here, or "".
static std::string run_in_kernel(const std::string &name, Sample &s)
{
	std::vector<struct bpf_link *> links;
	struct bpf_program *p;
	struct bpf_map *m;
	std::string why;
	OwnTarget target;
	libbpf_set_print(nullptr);
	struct bpf_object *obj = bpf_object__open_file(object(name).c_str(), nullptr);
	if (!obj)
		return "libbpf cannot open the object";
	if (bpf_object__load(obj))
		why = "this process may not load BPF programs into the kernel";
	if (why.empty())
		bpf_object__for_each_program(p, obj)
			if (!attach(p, target.path, links))
				why = "no uprobe can be attached here";
	if (why.empty()) {
		s.pid = run_target(target.path, "");
		for (auto *l : links)
			bpf_link__destroy(l);
		links.clear();
		bpf_object__for_each_map(m, obj)
			if (bpf_map__key_size(m))
				s.maps[bpf_map__name(m)] = read_map(m);
	}
	for (auto *l : links)
		bpf_link__destroy(l);
	bpf_object__close(obj);
	return why;
}

// ---- through us ----

struct SamplesAtWork : ToolTest {
	void run(const std::string &name, const std::string &attach, Sample &s)
	{
		std::string hook = d + "/" + name + ".hook.o", out = d + "/target";
		tool("bpftime-aot compile " + object(name) + " -o " + hook);
		tool("bpftime-patch --binary " SAMPLE_TARGET " " + attach + " " + hook + " -o " +
		     out);
		s.pid = run_target(out, d + "/maps");
		json_error_t err;
		json_t *maps = json_loads(tool("bpftime-ctl maps --json").c_str(), 0, &err);
		ASSERT_NE(maps, nullptr) << err.text;
		size_t i, k;
		json_t *m, *e;
		json_array_foreach(json_object_get(maps, "maps"), i, m) {
			if (!json_integer_value(json_object_get(m, "bytes_key")))
				continue;
			std::string map = json_string_value(json_object_get(m, "name"));
			json_t *dump = json_loads(
				tool("bpftime-ctl dump " + name + "/" + map + " --json").c_str(), 0,
				&err);
			ASSERT_NE(dump, nullptr) << err.text;
			entries &into = s.maps[map];
			json_array_foreach(dump, k, e)
				into[bytes_of(json_object_get(e, "key"))] =
					bytes_of(json_object_get(e, "value"));
			json_decref(dump);
		}
		json_decref(maps);
	}
};

// ---- what each of them must say ----

struct usage {
	uint64_t calls, bytes;
};

static void check_minimal(const Sample &s)
{
	EXPECT_EQ(s.get<uint64_t>("calls", 0), (uint64_t)CALLS * NESTED);
}

// We are where the target imports malloc.  The kernel is in libc, and sees what the dynamic
// linker allocates, too.
static void check_malloc(const Sample &s)
{
	usage u = s.get<usage>("usage_of_pid", s.pid);
	if (s.in_kernel) {
		EXPECT_GE(u.calls, (uint64_t)CALLS);
		EXPECT_LE(u.calls, (uint64_t)CALLS + 4);
		return;
	}
	EXPECT_EQ(u.calls, (uint64_t)CALLS);
	EXPECT_EQ(u.bytes, (uint64_t)CALLS * (CALLS + 1) / 2);
}

// Three calls sleep 3 ms and more: 2^21 ns is 2.1 ms.
static void check_funclatency(const Sample &s)
{
	uint64_t all = 0, slow = 0;
	for (uint32_t i = 0; i < 64; i++) {
		all += s.get<uint64_t>("latency", i);
		slow += i >= 21 ? s.get<uint64_t>("latency", i) : 0;
	}
	EXPECT_EQ(all, (uint64_t)CALLS * NESTED);
	EXPECT_GE(slow, (uint64_t)NESTED);
	auto started = s.maps.find("started");
	ASSERT_NE(started, s.maps.end());
	EXPECT_TRUE(started->second.empty());	// every call was found again
}

#define SAMPLE_TEST(name_, attach_)                                                         \
	TEST(SamplesInKernel, name_)                                                        \
	{                                                                                   \
		Sample s = { .in_kernel = true };                                           \
		std::string why = run_in_kernel(#name_, s);                                 \
		if (!why.empty())                                                           \
			GTEST_SKIP() << why;                                                \
		check_##name_(s);                                                           \
	}                                                                                   \
	TEST_F(SamplesAtWork, name_)                                                        \
	{                                                                                   \
		Sample s = { .in_kernel = false };                                          \
		ASSERT_NO_FATAL_FAILURE(run(#name_, attach_, s));                           \
		check_##name_(s);                                                           \
	}

SAMPLE_TEST(minimal, "--uprobe target_work")
SAMPLE_TEST(malloc, "")
SAMPLE_TEST(funclatency, "--uprobe target_work --uretprobe target_work")
