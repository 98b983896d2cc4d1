// SPDX-License-Identifier: MIT
// Programs that run with more rights than their user: patched on request only, and their maps
// are nobody else's, wherever $BPFTIME_DIR points.
#include <gtest/gtest.h>

#include <grp.h>
#include <sys/xattr.h>

#include "e2e.h"

namespace {

enum { NOBODY = 65534 };

// Runs as somebody without rights.
Output as_nobody(const std::string &cmd)
{
	return shell("setpriv --reuid " + std::to_string(NOBODY) + " --regid " + std::to_string(NOBODY) +
		  " --clear-groups " + cmd);
}

struct Rights : testing::Test {
	Scratch tmp;
	std::string prog = tmp / "prog", patched = tmp / "patched", maps = tmp / "maps";

	void SetUp() override
	{
		if (geteuid())
			GTEST_SKIP() << "set-uid files of another user need root";
		if (!have("setpriv"))
			GTEST_SKIP() << "there is no setpriv";
		if (as_nobody("test -x " + bin + "bpftime-patch").status)
			GTEST_SKIP() << "others cannot reach " << bin;
		std::ofstream(prog + ".c") <<
			"#include <stdio.h>\n#include <unistd.h>\n#include <sys/auxv.h>\n"
			"__attribute__((noinline)) int work(int n) { __asm__ volatile(\"\"); return n + 1; }\n"
			"int main(void) { return printf(\"%d %d %lu\\n\", work(1), geteuid() == getuid(),"
			" getauxval(AT_SECURE)) < 0; }\n";
		ASSERT_EQ(shell("cc -O1 -o " + prog + " " + prog + ".c").status, 0);
	}
	Output patch(const std::string &more)
	{
		return shell(bin + "bpftime-patch --binary " + prog + " --uprobe work -o " + patched + " " + more);
	}
	mode_t mode(const std::string &file)
	{
		struct stat st;
		return stat(file.c_str(), &st) ? 0 : st.st_mode & 07777;
	}
	bool has_maps() { return std::filesystem::exists(maps); }
};

}  // namespace

TEST_F(Rights, PrivilegedFilesArePatchedOnRequestOnly)
{
	for (mode_t m : {04755, 02755}) {
		ASSERT_EQ(chmod(prog.c_str(), m), 0);
		Output r = patch("");
		EXPECT_EQ(r.status, 1);
		EXPECT_NE(r.text.find("error[P022]: privileged file: it is set-uid or set-gid"), r.text.npos) << r;
		EXPECT_FALSE(std::filesystem::exists(patched));
	}
	// CAP_NET_RAW, as setcap writes it: struct vfs_cap_data, revision 2, effective
	const uint8_t caps[20] = {1, 0, 0, 2, 0, 0x20};
	ASSERT_EQ(chmod(prog.c_str(), 0755), 0);
	if (setxattr(prog.c_str(), "security.capability", caps, sizeof(caps), 0))
		GTEST_SKIP() << "no file capabilities here";
	Output r = patch("");
	EXPECT_EQ(r.status, 1);
	EXPECT_NE(r.text.find("it has file capabilities"), r.text.npos) << r;
	ASSERT_EQ(patch("--allow-setuid").status, 0);
	uint8_t copy[64];
	EXPECT_EQ(getxattr(patched.c_str(), "security.capability", copy, sizeof(copy)), 20);
	EXPECT_EQ(as_nobody("env BPFTIME_DIR=" + maps + " " + patched).text, "2 1 1\n");
	EXPECT_FALSE(has_maps());
}

TEST_F(Rights, SetUidKeepsItsMapsToItself)
{
	ASSERT_EQ(chmod(prog.c_str(), 04755), 0);
	ASSERT_EQ(patch("--allow-setuid").status, 0);
	EXPECT_EQ(mode(patched), 04755u);
	EXPECT_EQ(as_nobody("env BPFTIME_DIR=" + maps + " " + patched).text, "2 0 1\n");
	EXPECT_FALSE(has_maps());
}

// Set-uid after the patch: the runtime sees AT_SECURE.
TEST_F(Rights, AtSecureMeansPrivateMaps)
{
	ASSERT_EQ(patch("--map-dir " + maps).status, 0);
	ASSERT_EQ(chmod(patched.c_str(), 04755), 0);
	EXPECT_EQ(as_nobody("env BPFTIME_DIR=" + maps + " " + patched).text, "2 0 1\n");
	EXPECT_FALSE(has_maps());
	EXPECT_EQ(shell(patched).text, "2 1 0\n");		// its owner has no more rights by it
	EXPECT_TRUE(has_maps());
}

// Who may not give the copy to its owner must not make a program with rights of his own.
TEST_F(Rights, ACopyThatChangesHandsIsNotSetUid)
{
	ASSERT_EQ(chmod(prog.c_str(), 04755), 0);
	ASSERT_EQ(mkdir((tmp / "his").c_str(), 0755), 0);
	ASSERT_EQ(chown((tmp / "his").c_str(), NOBODY, NOBODY), 0);
	Output r = as_nobody(bin + "bpftime-patch --binary " + prog + " --uprobe work --allow-setuid -o " +
			     (tmp / "his/patched"));
	EXPECT_EQ(r.status, 0) << r;
	EXPECT_EQ(mode(tmp / "his/patched"), 0755u);
}
