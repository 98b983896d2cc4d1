// SPDX-License-Identifier: MIT
// What a hook adds to a file is small: the segments of a counter have at most 8 KiB in the file, those of
// four programs with a ring buffer, a hash map and return slots at most 32.
#include "../tools.h"

#include <elf.h>
#include <string.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <vector>

enum { COUNTER_BYTES = 8 << 10, SNIFFER_BYTES = 32 << 10 };

static std::vector<Elf64_Phdr> loads(const std::string &path)
{
	std::ifstream f(path, std::ios::binary);
	std::string s((std::istreambuf_iterator<char>(f)), {});
	std::vector<Elf64_Phdr> out;
	Elf64_Ehdr eh;
	if (s.size() < sizeof(eh))
		return out;
	memcpy(&eh, s.data(), sizeof(eh));
	for (unsigned i = 0; i < eh.e_phnum; i++) {
		Elf64_Phdr ph;
		if (eh.e_phoff + (i + 1) * sizeof(ph) > s.size())
			break;
		memcpy(&ph, s.data() + eh.e_phoff + i * sizeof(ph), sizeof(ph));
		if (ph.p_type == PT_LOAD || ph.p_type == PT_GNU_EH_FRAME)
			out.push_back(ph);
	}
	return out;
}

// File bytes of the segments that `patched` has more, but for the table of the target's own unwind
// entries, which has moved there.
static uint64_t added(const std::string &bare, const std::string &patched)
{
	std::set<uint64_t> old;
	uint64_t n = 0;
	for (const Elf64_Phdr &p : loads(bare))
		old.insert(p.p_type == PT_LOAD ? p.p_vaddr : 0);
	for (const Elf64_Phdr &p : loads(patched))
		n += p.p_type == PT_GNU_EH_FRAME ? -p.p_filesz : old.count(p.p_vaddr) ? 0 : p.p_filesz;
	return n;
}

struct Size : ToolTest {
	void at_most(uint64_t most, const std::string &target, const std::string &what)
	{
		const std::string bare = d + "/bare";	/* the payload has the target's path in it */
		std::filesystem::copy_file(target, bare);
		tool("bpftime-patch --binary " + bare + " " + what + " -o " + d + "/t");
		ok(d + "/t 40");
		uint64_t n = added(bare, d + "/t");
		RecordProperty("bytes", (int)n);
		EXPECT_GT(n, 1024u);
		EXPECT_LE(n, most);
	}
	void counter(const std::string &object)
	{
		at_most(COUNTER_BYTES, SAMPLE_TARGET, "--uprobe target_work " + object);
	}
};

TEST_F(Size, BuiltInCounter)
{
	counter("");
	EXPECT_NE(tool("bpftime-ctl dump calls").find("120"), std::string::npos);
}

TEST_F(Size, SampleCounter)
{
	tool("bpftime-aot compile " BPFTIME_SAMPLES_DIR "/minimal.bpf.o -o " + d + "/minimal.hook.o");
	counter(d + "/minimal.hook.o");
	EXPECT_NE(tool("bpftime-ctl dump minimal/calls").find("120"), std::string::npos);
}

TEST_F(Size, SampleSniffer)
{
	tool("bpftime-aot compile " BPFTIME_SAMPLES_DIR "/sslsniff.bpf.o -o " + d + "/sslsniff.hook.o");
	at_most(SNIFFER_BYTES, SAMPLE_TLS, d + "/sslsniff.hook.o");
	std::string dump = tool("bpftime-ctl dump latency --json");
	static const std::regex slot("\"formatted\":\\{\"key\":[0-9]+,\"value\":([0-9]+)");
	long calls = 0;
	for (std::sregex_iterator i(dump.begin(), dump.end(), slot), end; i != end; ++i)
		calls += atol((*i)[1].str().c_str());
	EXPECT_EQ(calls, 2 * 40);	// all are in some slot
}
