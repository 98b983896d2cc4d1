// SPDX-License-Identifier: MIT
// Runs test/cli/<case>/cmd with bash and compares what it prints, byte for byte:
//
//     cmd      the script; its first line says why the case is there
//     stdout   what it prints; no file: nothing
//     stderr   likewise
//     exit     its exit code; no file: 0.  A crash (128 and more) is never expected
//     needs    commands, one a line, without any of which the case is skipped
//
// It runs in an empty folder that is called $TMP in the output, with our tools and the
// test helpers in PATH, $CASE the case's folder, $TESTS the tests' and $BPFTIME_DIR=$TMP/maps.
// UPDATE_GOLDEN=1 rewrites the expectations: review that diff.
#include <gtest/gtest.h>

#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace fs = std::filesystem;

static const fs::path cases_dir = fs::path(BPFTIME_TEST_DIR) / "cli";

static std::vector<std::string> cases()
{
	std::vector<std::string> v;
	for (const auto &e : fs::directory_iterator(cases_dir))
		if (e.is_directory())
			v.push_back(e.path().filename());
	std::sort(v.begin(), v.end());
	return v;
}

static std::string read(const fs::path &p)
{
	std::ifstream f(p, std::ios::binary);
	std::stringstream s;
	s << f.rdbuf();
	return s.str();
}

static void replace_all(std::string &s, const std::string &from, const std::string &to)
{
	for (size_t at = 0; (at = s.find(from, at)) != s.npos; at += to.size())
		s.replace(at, from.size(), to);
}

// An expectation that says nothing has no file.
static void rewrite(const fs::path &p, const std::string &text, const std::string &none)
{
	if (text == none) {
		fs::remove(p);
		return;
	}
	std::ofstream(p, std::ios::binary) << text;
}

struct Cli : testing::TestWithParam<std::string> {
	fs::path tmp;

	void SetUp() override
	{
		char t[] = "/tmp/bpftime-cli-XXXXXX";
		ASSERT_NE(mkdtemp(t), nullptr);
		tmp = t;
	}
	void TearDown() override { fs::remove_all(tmp); }
};

static std::string path_variable()
{
	return std::string(BPFTIME_BIN_DIR) + ":" + BPFTIME_HELPER_DIR + ":" + getenv("PATH") +
	       ":/usr/sbin:/sbin";
}

static std::string missing_command(const fs::path &needs)
{
	std::ifstream f(needs);
	for (std::string line; std::getline(f, line);)
		if (system(("PATH='" + path_variable() + "' command -v " + line +
			    " >/dev/null 2>&1").c_str()))
			return line;
	return "";
}

TEST_P(Cli, PrintsWhatIsExpected)
{
	const fs::path dir = cases_dir / GetParam();
	const fs::path work = tmp / "work", out = tmp / "stdout", err = tmp / "stderr";
	ASSERT_TRUE(fs::exists(dir / "cmd")) << "a case without cmd";
	EXPECT_EQ(read(dir / "cmd").rfind("# ", 0), 0u) << "the first line says why";
	if (std::string m = missing_command(dir / "needs"); !m.empty())
		GTEST_SKIP() << "there is no " << m;
	fs::create_directory(work);
	std::string cmd = "cd '" + work.string() + "' && env -i LC_ALL=C HOME=/nonexistent" +
			  " PATH='" + path_variable() + "' TMP='" + work.string() + "' CASE='" +
			  dir.string() + "' TESTS='" + BPFTIME_TEST_DIR + "' BPFTIME_DIR='" +
			  (work / "maps").string() + "' timeout 60 bash '" +
			  (dir / "cmd").string() + "' </dev/null >'" + out.string() + "' 2>'" +
			  err.string() + "'";
	int st = system(cmd.c_str());
	int code = WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st);
	std::string got_out = read(out), got_err = read(err);
	replace_all(got_out, work.string(), "$TMP");
	replace_all(got_err, work.string(), "$TMP");
	replace_all(got_out, BPFTIME_TEST_DIR, "$TESTS");
	replace_all(got_err, BPFTIME_TEST_DIR, "$TESTS");
	ASSERT_LT(code, 124) << "it crashed, or took too long\n" << got_out << got_err;
	if (getenv("UPDATE_GOLDEN")) {
		rewrite(dir / "stdout", got_out, "");
		rewrite(dir / "stderr", got_err, "");
		rewrite(dir / "exit", std::to_string(code) + "\n", "0\n");
	}
	EXPECT_EQ(got_out, read(dir / "stdout"));
	EXPECT_EQ(got_err, read(dir / "stderr"));
	std::string want = read(dir / "exit");
	EXPECT_EQ(code, want.empty() ? 0 : std::stoi(want)) << got_err;
}

INSTANTIATE_TEST_SUITE_P(Cases, Cli, testing::ValuesIn(cases()), [](const auto &info) {
	std::string s = info.param;
	for (char &c : s)
		if (!isalnum((unsigned char)c))
			c = '_';
	return s;
});
