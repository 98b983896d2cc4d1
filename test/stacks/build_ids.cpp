// SPDX-License-Identifier: MIT
// Stacks by build ids are those that a kernel takes of the same program, wherever it is loaded, and
// bpftime-ctl gives their frames names as long as the files are there.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <cstring>

#include "mapfmt.h"
#include "stacks.h"

namespace {

enum { DEPTH = 16 };
struct Taken {		// build_ids.bpf.c
	int64_t bytes, id;
	mapfmt_build_id frame[DEPTH];
	std::string text(size_t from, size_t to) const
	{
		std::ostringstream o;
		for (size_t i = from; i < to && i < DEPTH; i++) {
			o << frame[i].status << " ";
			for (uint8_t b : frame[i].id)
				o << std::hex << b / 16 << b % 16;
			o << "+" << frame[i].at << std::dec << "\n";
		}
		return o.str();
	}
	// How many frames from `from` on are of the same file.
	size_t same_file(size_t from) const
	{
		size_t n = from;
		while (n < DEPTH && (int64_t)(n * sizeof(*frame)) < bytes && !memcmp(frame[n].id, frame[0].id, 20) && frame[n].status == 1)
			n++;
		return n - from;
	}
};

int quiet(enum libbpf_print_level, const char *, va_list) { return 0; }

std::vector<Taken> taken_by_kernel(const std::string &program, std::string *why)
{
	std::vector<Taken> all;
	libbpf_set_print(quiet);
	struct bpf_object *obj = bpf_object__open_file(BUILD_IDS_BPF, nullptr);
	if (!obj || bpf_object__load(obj)) {
		*why = "this process may not load BPF programs into the kernel";
		bpf_object__close(obj);
		return all;
	}
	struct bpf_link *l = bpf_program__attach_uprobe(bpf_object__find_program_by_name(obj, "at_entry"), false, -1,
							program.c_str(), place_of(program, "leaf").foff);
	Taken t;
	if (!l)
		*why = "no uprobes here";
	else if (shell(program).status)
		*why = program + " failed";
	for (uint32_t i = 0; why->empty() && i < 64; i++)
		if (!bpf_map_lookup_elem(bpf_object__find_map_fd_by_name(obj, "taken"), &i, &t) && t.bytes)
			all.push_back(t);
	bpf_link__destroy(l);
	bpf_object__close(obj);
	return all;
}

std::vector<Taken> taken_here(const std::string &dir)
{
	std::vector<Taken> all;
	std::string out = shell(bin + "bpftime-ctl dump taken --dir " + dir + " --json").text;
	static const std::regex value("\"value\":\\[(\"0x[^\\]]*)\\]");
	for (std::sregex_iterator i(out.begin(), out.end(), value), end; i != end; ++i) {
		std::string list = (*i)[1], bytes;
		for (size_t at = 0; (at = list.find("0x", at)) != std::string::npos; at += 2)
			bytes.push_back((char)strtoul(list.c_str() + at, nullptr, 16));
		Taken t;
		if (bytes.size() != sizeof(t))
			continue;
		memcpy(&t, bytes.data(), sizeof(t));
		if (t.bytes)
			all.push_back(t);
	}
	return all;
}

struct BuildIds : testing::Test {
	Scratch s;
	std::string program = s / "walked", patched = s / "p", maps = s / "maps";
	void SetUp() override
	{
		if (!have("gcc"))
			GTEST_SKIP() << "no gcc here";
		ASSERT_EQ(compile_walked(s, "gcc -fno-omit-frame-pointer -mno-omit-leaf-frame-pointer -pie -fPIE -Wl,--build-id", program), "");
		Output r = shell(bin + "bpftime-patch --binary " + program + " --uprobe leaf " BUILD_IDS_HOOK " -o " + patched);
		ASSERT_EQ(r.status, 0) << r.text;
		r = shell("BPFTIME_DIR=" + maps + " " + patched);
		ASSERT_EQ(r.status, 0) << r.text;
	}
	std::string ctl(const std::string &args) { return shell(bin + "bpftime-ctl stacks stacks " + args + " --dir " + maps).text; }
};

}  // namespace

TEST_F(BuildIds, AreTheKernels)
{
	std::string why;
	auto theirs = taken_by_kernel(program, &why), ours = taken_here(maps);
	if (!why.empty())
		GTEST_SKIP() << why;
	ASSERT_EQ(ours.size(), theirs.size());
	ASSERT_GT(ours.size(), 5u);
	size_t same = 0;
	for (size_t i = 0; i < 5; i++) {	// up to main(): libc has no frame pointers, there the kernel's go astray
		Taken &o = ours[i], &t = theirs[i];
		EXPECT_EQ(o.text(0, 1), t.text(0, 1));
		// At an entry, where there is no frame yet, a kernel may miss the direct caller.
		size_t from = t.text(1, 2) == o.text(1, 2) ? 1 : 2, n = o.same_file(from);
		n = std::min(n, t.same_file(1));
		ASSERT_GT(n, 0u);
		EXPECT_EQ(o.text(from, from + n), t.text(1, 1 + n));
		same += n;
	}
	EXPECT_GT(same, 8u);
}

TEST_F(BuildIds, FramesSayWhichFileTheyAreOf)
{
	struct arena *a = arena_new();
	struct diags dg = {};
	struct image *im;
	ASSERT_EQ(image_read(a, program.c_str(), &im, &dg), 0);
	ASSERT_EQ(im->build_id.n, 20u);
	auto ours = taken_here(maps);
	ASSERT_GT(ours.size(), 5u);
	for (auto &t : ours) {
		EXPECT_EQ(t.frame[0].status, MAPFMT_BUILD_ID_VALID);
		EXPECT_EQ(memcmp(t.frame[0].id, im->build_id.p, 20), 0);
		EXPECT_EQ(t.frame[0].at, place_of(program, "leaf").foff);
		EXPECT_EQ(t.bytes % (int64_t)sizeof(*t.frame), 0);
		size_t n = (size_t)t.bytes / sizeof(*t.frame);
		if (n < DEPTH) {		// all the way to what calls main() or a thread's function
			EXPECT_EQ(t.frame[n].status, MAPFMT_BUILD_ID_EMPTY);
			EXPECT_LT(t.same_file(0), n);
		}
		for (size_t i = t.same_file(0); i < n; i++)
			EXPECT_EQ(t.frame[i].status, MAPFMT_BUILD_ID_VALID) << t.text(0, n);
	}
	arena_free(a);
}

TEST_F(BuildIds, CtlNamesThem)
{
	std::string folded = ctl("--folded");
	EXPECT_NE(folded.find(";main;"), std::string::npos) << folded;
	EXPECT_NE(folded.find(";both;leaf 1\n"), std::string::npos) << folded;
	std::string json = ctl("--json");
	std::ostringstream at;
	at << "\"file_offset\":\"0x" << std::hex << place_of(program, "leaf").foff << "\",\"symbol\":\"leaf\",\"offset\":0";
	EXPECT_NE(json.find(at.str()), std::string::npos) << json;
	EXPECT_NE(json.find("{\"ip\":null,\"build_id\":\""), std::string::npos);
	ASSERT_EQ(unlink(patched.c_str()), 0);
	std::string gone = ctl("--folded");
	EXPECT_EQ(gone.find(";leaf"), std::string::npos) << gone;
	EXPECT_TRUE(std::regex_search(gone, std::regex(";[0-9a-f]{40}\\+0x[0-9a-f]+ 1\n"))) << gone;
}
