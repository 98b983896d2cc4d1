// SPDX-License-Identifier: MIT
// An arena in real programs: processes push onto one list, read each other's, and find it again later.
#include "e2e.h"

#include <sys/mman.h>

#include "mapfmt.h"

namespace {

struct Node {
	uint64_t next, pid, n, check;
};

struct Arena : testing::Test {
	Scratch tmp;
	std::string prog = tmp / "prog", patched = tmp / "patched", maps = tmp / "maps";

	void SetUp() override
	{
		std::ofstream(prog + ".c") <<
			"#include <stdio.h>\n#include <stdlib.h>\n"
			"#define HOOKED(name_) __attribute__((noinline)) void name_(unsigned n) { __asm__ volatile(\".nops 8\" :: \"r\"(n)); }\n"
			"HOOKED(work) HOOKED(count) HOOKED(cut)\n"
			"int main(int c, char **v) { unsigned n = atoi(v[1]);\n"
			" for (unsigned i = 0; i < n; i++) work(i);\n"
			" if (c > 2) cut(atoi(v[2]));\n"
			" count(0); puts(\"done\"); }\n";
		ASSERT_EQ(shell("cc -O1 -o " + prog + " " + prog + ".c").status, 0);
		patch("");
	}
	void patch(const std::string &options)
	{
		Output made = shell(bin + "bpftime-patch --binary " + prog + " --map-dir " + maps + " " + options + " -o " + patched +
				 " " BPFTIME_E2E_ARENA);
		ASSERT_EQ(made.status, 0) << made.text;
	}
	Output ctl(const std::string &what) { return shell(bin + "bpftime-ctl " + what + " --dir " + maps); }
	std::string file() const
	{
		for (auto &e : std::filesystem::recursive_directory_iterator(maps))
			if (e.path().filename() == "arena")
				return e.path();
		return "";
	}
};

// The file, as somebody sees it who knows abi/mapfmt.h.
struct View {
	size_t bytes = 0;
	const uint8_t *p = nullptr;
	explicit View(const std::string &file)
	{
		int fd = open(file.c_str(), O_RDONLY);
		struct stat st;
		if (fd < 0 || fstat(fd, &st))
			return;
		bytes = (size_t)st.st_size;
		p = (const uint8_t *)mmap(nullptr, bytes, PROT_READ, MAP_SHARED, fd, 0);
		close(fd);
	}
	~View() { munmap((void *)p, bytes); }
	const mapfmt_header &h() const { return *(const mapfmt_header *)p; }
	uint64_t start() const { return *(const uint64_t *)(p + MAPFMT_ARENA_START_OFF); }
	const uint64_t *at(uint64_t address) const
	{
		return (const uint64_t *)(p + MAPFMT_HEADER_BYTES + mapfmt_arena_pages(h().max_entries) + (address - start()));
	}
	uint64_t variable(unsigned i) const { return at(start())[i]; }	// of `list` in arena.bpf.c
	std::map<uint64_t, unsigned> list() const	// pid to nodes
	{
		std::map<uint64_t, unsigned> by;
		unsigned n = 0;
		for (uint64_t a = variable(0); a; n++) {
			EXPECT_GE(a, start());
			EXPECT_LT(a, start() + (uint64_t)h().max_entries * MAPFMT_ARENA_PAGE);
			const Node *node = (const Node *)at(a);
			EXPECT_EQ(node->check, node->pid * 31 + node->n);
			by[node->pid]++;
			a = node->next;
			if (n > h().max_entries)
				break;
		}
		return by;
	}
};

}  // namespace

TEST_F(Arena, ProcessesShareAList)
{
	Output r = shell("for i in 1 2 3 4 5 6; do " + patched + " 300 & done; wait");
	EXPECT_EQ(r.text, "done\ndone\ndone\ndone\ndone\ndone\n");
	View v(file());
	ASSERT_NE(v.p, nullptr);
	EXPECT_EQ(v.variable(1) + v.variable(2), 1800u);	// pushed, failed: a lock that stayed taken
	EXPECT_GT(v.variable(1), 0u);
	auto by = v.list();
	unsigned all = 0;
	for (auto &p : by)
		all += p.second;
	EXPECT_EQ(all, v.variable(1));
	ASSERT_EQ(shell(patched + " 0").text, "done\n");	// one that only counts
	EXPECT_EQ(v.variable(3), all);
	EXPECT_EQ(v.variable(4), all);
	EXPECT_NE((uint32_t)v.start(), 0u);

	r = ctl("maps");
	EXPECT_NE(r.text.find("arena "), r.text.npos) << r.text;
	EXPECT_NE(r.text.find(" max_entries 4000 "), r.text.npos) << r.text;
	r = shell(bin + "bpftime-ctl dump arena --json --dir " + maps + " | tr '{' '\\n' | grep -c address");
	EXPECT_EQ(r.text, std::to_string(all + 1) + "\n");
	struct stat st;
	ASSERT_EQ(stat(file().c_str(), &st), 0);
	EXPECT_LT((uint64_t)st.st_blocks * 512, (all + 64) * 4096ull);
	EXPECT_EQ((uint64_t)st.st_size, MAPFMT_HEADER_BYTES + mapfmt_arena_pages(4000) + 4000ull * 4096);
	EXPECT_EQ(ctl("rm arena").status, 0);
	EXPECT_EQ(file(), "");
}

TEST_F(Arena, PagesThatAreGoneEndTheList)
{
	ASSERT_EQ(shell(patched + " 100 40").text, "done\n");	// newest first: the node of work(39) is gone
	View v(file());
	EXPECT_EQ(v.variable(3), 61u);	// 99 to 40, and one that is all 0
	ASSERT_EQ(shell(patched + " 1").text, "done\n");		// whose page this gets
	EXPECT_EQ(v.variable(1), 101u);
	Output r = shell(bin + "bpftime-ctl dump arena --json --dir " + maps + " | tr '{' '\\n' | grep -c address");
	EXPECT_EQ(r.text, "101\n");
}

// Where no file can be had the arena is the process's own.
TEST_F(Arena, IsPrivateWhereThereIsNoDirectory)
{
	std::ofstream(maps) << "not a directory";
	EXPECT_EQ(shell(patched + " 100").text, "done\n");
}
