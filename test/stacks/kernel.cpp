// SPDX-License-Identifier: MIT
// In a program with frame pointers the kernel's uprobe and ours take the same stacks.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "stacks.h"

namespace {

int quiet(enum libbpf_print_level, const char *, va_list) { return 0; }

// What the kernel's run of stacks.bpf.o leaves; `why` says why there is none.
struct KernelRun {
	std::vector<Stack> stacks, returns;
	std::string why;

	KernelRun(const std::string &program, const std::string &entry, const std::string &ret)
	{
		libbpf_set_print(quiet);
		struct bpf_object *obj = bpf_object__open_file(STACKS_BPF, nullptr);
		if (!obj || bpf_object__load(obj))
			why = "this process may not load BPF programs into the kernel";
		struct bpf_link *e = attach(obj, "at_entry", program, entry, false);
		struct bpf_link *r = attach(obj, "at_return", program, ret, true);
		if (why.empty() && shell(program).status)
			why = program + " failed";
		stacks = read(obj, "stacks");
		returns = read(obj, "returns");
		bpf_link__destroy(e);
		bpf_link__destroy(r);
		bpf_object__close(obj);
	}

	struct bpf_link *attach(struct bpf_object *obj, const char *prog, const std::string &path,
				const std::string &function, bool ret)
	{
		if (!why.empty())
			return nullptr;
		Place p = place_of(path, function);
		struct bpf_link *l = bpf_program__attach_uprobe(
			bpf_object__find_program_by_name(obj, prog), ret, -1, path.c_str(), p.foff);
		if (!l)
			why = "no uprobes here";
		return l;
	}

	std::vector<Stack> read(struct bpf_object *obj, const char *name)
	{
		std::vector<Stack> all;
		for (uint32_t i = 0; why.empty() && i < 64; i++) {
			uint64_t v[129];
			int fd = bpf_object__find_map_fd_by_name(obj, name);
			if (bpf_map_lookup_elem(fd, &i, v) || !v[0])
				break;
			long n = (long)v[1] / 8;
			all.emplace_back(v + 2, v + 2 + std::max(n, 0l));
		}
		return all;
	}
};

}  // namespace

TEST(WalkKernel, SeesTheSame)
{
	Scratch s;
	std::string program;
	if (!have("gcc"))
		GTEST_SKIP() << "no gcc here";
	ASSERT_EQ(compile_walked(s, "gcc -fno-omit-frame-pointer -mno-omit-leaf-frame-pointer -fcf-protection=none -static -no-pie", program), "");
	KernelRun k(program, "leaf", "both");
	if (!k.why.empty())
		GTEST_SKIP() << k.why;
	Output p = patch_stacks(program, "--uprobe leaf --uretprobe both", s / "patched");
	ASSERT_EQ(p.status, 0) << p.text;
	Output r = shell("BPFTIME_DIR=" + s.dir + "/maps " + (s / "patched"));
	ASSERT_EQ(r.status, 0) << r.text;
	auto stacks = taken(s.dir + "/maps"), returns = taken(s.dir + "/maps", "returns");
	ASSERT_EQ(stacks.size(), k.stacks.size());
	ASSERT_EQ(returns.size(), k.returns.size());
	ASSERT_GT(stacks.size(), 6u);
	// The first five are called by the program alone, all the way from main(); libc, which calls that
	// one, has no frame pointers: there the kernel's go astray.
	for (size_t i = 0; i < 5; i++)
		for (auto pair : {std::make_pair(stacks[i], k.stacks[i]), std::make_pair(returns[i], k.returns[i])}) {
			ASSERT_GT(pair.first.size(), 3u);
			pair.first.resize(pair.first.size() - 2);
			// At an entry, where there is no frame yet, a kernel may miss the direct caller.
			if (pair.first[0] == stacks[i][0] && pair.second.size() > 1 && pair.second[1] == pair.first[2])
				pair.first.erase(pair.first.begin() + 1);
			pair.second.resize(std::min(pair.first.size(), pair.second.size()));
			EXPECT_EQ(hex(pair.first), hex(pair.second)) << i;
		}
}
