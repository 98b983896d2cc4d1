// SPDX-License-Identifier: MIT
// samples/embed says what its README says, compiled here or elsewhere; the half that needs no
// LLVM has none in it.
#include "../tools.h"

#include <fstream>
#include <string>
#include <vector>

struct Embed : ToolTest {
	const std::string bin = BPFTIME_SAMPLES_DIR "/", input = "printf '200 12\\n500 3\\n200 1500\\n404 8\\n' | ";

	// The lines that the README shows, which are indented by four blanks, after the first command.
	static std::vector<std::string> shown()
	{
		std::ifstream in(BPFTIME_SOURCE_DIR "/samples/embed/README.md");
		std::vector<std::string> lines;
		for (std::string line; std::getline(in, line);)
			if (!line.rfind("    request ", 0) || !line.rfind("    status ", 0) ||
			    line.find(" reported") != std::string::npos)
				lines.push_back(line.substr(4));
		return lines;
	}

	static void expect_shown(const std::string &out)
	{
		ASSERT_EQ(shown().size(), 6u);
		for (const std::string &line : shown())
			EXPECT_NE(out.find(line + "\n"), std::string::npos) << line << "\nin\n" << out;
	}
};

TEST_F(Embed, CompiledHere)
{
	expect_shown(ok(input + bin + "embed_jit " + bin + "embed.bpf.o"));
}

TEST_F(Embed, CompiledElsewhere)
{
	ok(bin + "embed_jit " + bin + "embed.bpf.o --emit " + d + "/filter.o");
	expect_shown(ok(input + bin + "embed " + d + "/filter.o"));
	EXPECT_EQ(ok("ldd " + bin + "embed").find("LLVM"), std::string::npos);
	EXPECT_NE(ok("ldd " + bin + "embed_jit").find("LLVM"), std::string::npos);
}
