// SPDX-License-Identifier: MIT
// Programs that decide whether a function runs: what it returns then, what its caller finds in
// registers, what the function finds when it does run, and who hears of it.
#include "../tools.h"

#include <map>

namespace {

struct Decide : ToolTest {
	std::string compile(const std::string &name)
	{
		tool("bpftime-aot compile " DECIDE_DIR "/" + name + ".bpf.o -o " + d + "/" + name + ".hook.o");
		return d + "/" + name + ".hook.o";
	}
	std::map<uint32_t, uint64_t> seen()
	{
		std::map<uint32_t, uint64_t> r;
		json_error_t err;
		json_t *e, *all = json_loads(tool("bpftime-ctl dump decide/seen --json").c_str(), 0, &err);
		size_t i;
		EXPECT_NE(all, nullptr) << err.text;
		json_array_foreach(all, i, e) {
			std::string k = bytes_of(json_object_get(e, "key")), v = bytes_of(json_object_get(e, "value"));
			uint32_t key;
			uint64_t value;
			memcpy(&key, k.data(), 4);
			memcpy(&value, v.data(), 8);
			r[key] = value;
		}
		json_decref(all);
		return r;
	}
	void refused(const std::string &places, const std::string &why,
		     const std::string &bin = DECIDE_DIR "/decide_pie")
	{
		Output o = shell(BPFTIME_BIN_DIR "/bpftime-patch -b " + bin + " " + places + " " +
				 compile("refused") + " -o " + d + "/p");
		EXPECT_EQ(o.status, 1) << o.text;
		EXPECT_NE(o.text.find(why), std::string::npos) << o.text;
	}
};

const char kOriginal[] =
	"plain(12) = 24, ran 1\n"
	"plain(13) = 26, ran 1\n";

const char kDecided[] =
	"plain(12) = 24, ran 1\n"
	"plain(13) = -99, ran 0\n"
	"plain(13) = -99, ran 0, changed:\n"
	"frame(1, 2, 3, 4, 5, 6) = 21, ran 1\n"
	"frame(7, 2, 3, 4, 5, 6) = 14, ran 0\n";

// si + dx + cx + r8 of registers()
std::string frame_registers()
{
	uint64_t v = 0;
	for (unsigned i : { 6, 2, 1, 8 })
		v += 0x1111111111111111u * i + 7;
	return "frame(7) = " + std::to_string((int64_t)v) + ", ran 0, changed:\n";
}
std::string packed_registers()
{
	uint64_t v = (0x2222222222222222u + 7) * 1000 + 1;
	return "packed(50) = " + std::to_string((int64_t)v) + ", ran 0, changed:\n";
}

const char kRest[] =
	"zero(1) = 1001, ran 1\n"
	"zero(2) = 0, ran 0\n"
	"replaced(41) = -41, ran 0\n"
	"replaced(5) = -5, ran 0, changed:\n"
	"beside(1) = 3, ran 1\n"
	"beside(2) = 200, ran 0\n"
	"beside(2) = 200, ran 0, changed:\n"
	"beside_slot(1, 2, 3, 4, 5, 6, 7, 8) = 36, ran 1\n"
	"beside_slot(2, 2, 3, 4, 5, 6, 7, 8) = 300, ran 0\n"
	"rivals(0) = 3, ran 1\n"
	"rivals(1) = 1001, ran 0\n"
	"rivals(2) = 1002, ran 0\n"
	"tail(1) = 5, ran 1\n"
	"tail(2) = 2000, ran 0\n"
	"kept(1, 2, 3, 4.5, 5.5, 4, 5, 6, 7, 8, 90) = 304, ran 1\n"
	"kept(1, 2, 5, 4.5, 5.5, 4, 5, 6, 7, 8, 90) = -7, ran 0\n"
	"(long)varied(9, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.5) = 45, ran 1\n";

void expect_decided(Decide &t, const std::string &kind)
{
	std::string bin = DECIDE_DIR "/decide_" + kind, p = t.d + "/p", said;

	SCOPED_TRACE(kind);
	EXPECT_EQ(t.ok(bin).substr(0, sizeof(kOriginal) - 1), kOriginal);
	said = t.tool("bpftime-patch -b " + bin + " " + t.compile("decide") + " -o " + p);
	EXPECT_NE(said.find("rivals: 2 programs may decide that the function does not run; the first that "
			    "does is heard"), std::string::npos) << said;
	EXPECT_EQ(t.ok(p), kDecided + frame_registers() + "packed(50, 2, 3) = 45, ran 1\n"
		  "packed(50, 2, 4) = 4001, ran 0\n" + packed_registers() + kRest +
		  "(long)(getpgid(-1) + getpgid(-1)) = 9422, ran 0\n");
	auto seen = t.seen();
	EXPECT_EQ(seen[0], 3u);	// observers see every call, whatever is decided
	EXPECT_EQ(seen[1], 3u);
	EXPECT_EQ(seen[2], 2u);
	EXPECT_EQ(seen[3], 1u);
	EXPECT_EQ(seen[4], 3u);	// and every return, with its value
	EXPECT_EQ(seen[5 + 3], 3u);
	EXPECT_EQ(seen[5 + 0], 200u);
	EXPECT_EQ(seen[16 + 6], 36u);
	EXPECT_EQ(seen[16 + 0], 300u);
}

TEST_F(Decide, InAPie) { expect_decided(*this, "pie"); }
TEST_F(Decide, AtAFixedAddress) { expect_decided(*this, "exec"); }
TEST_F(Decide, WithoutAPltAndWithEndbr) { expect_decided(*this, "noplt"); }
TEST_F(Decide, InAStaticProgram) { expect_decided(*this, "static"); }

TEST_F(Decide, OnlyAtEntries)
{
	refused("--uprobe plain+8", "only at a function's entry can a program decide that it does not run");
	refused("--uprobe _start", "it is not entered by a call");
	refused("--uretprobe plain", "when it returns no program can decide that the function does not run");
}

TEST_F(Decide, NotInGoFunctions)
{
	const std::string gofmt = "/usr/lib/go/bin/gofmt";
	if (access(gofmt.c_str(), R_OK))
		GTEST_SKIP() << "no " << gofmt;
	refused("--ureplace main.main", "a Go function: programs run on another stack there", gofmt);
}

// What is returned instead of the call is seen by the exit programs, and becomes errno.
TEST_F(Decide, SystemCallsThatAreNotMade)
{
	std::string bin = DECIDE_DIR "/decide_calls", p = d + "/calls";
	EXPECT_EQ(ok("setsid -w " + bin + " | tail -2"), "-1 22\n18 0\n");
	tool("bpftime-patch -b " + bin + " " + compile("calls") + " -o " + p);
	EXPECT_EQ(ok("umask 022; " + p + " | cat"), "4711 4711 1\n-1 5\n-1 1\n");
	EXPECT_EQ(tool("bpftime-ctl dump calls/.bss"), "0: {.entered = 2, .left = 2, .value = 9422}\n");
	refused("--tracepoint syscalls:sys_exit_getpgid", "when it returns no program can decide", bin);
}

TEST_F(Decide, PlacesOfTheCommandLine)
{
	std::string hook = compile("refused");
	tool("bpftime-patch -b " DECIDE_DIR "/decide_pie --ureplace plain --cookie 21 --ufilter zero --cookie 22 "
	     "--ufilter beside " + hook + " -o " + d + "/p");
	std::string out = ok(d + "/p");
	EXPECT_NE(out.find("plain(12) = 21, ran 0\n"), std::string::npos) << out;
	EXPECT_NE(out.find("zero(1) = 22, ran 0\n"), std::string::npos) << out;
	EXPECT_NE(out.find("beside(1) = 3, ran 1\n"), std::string::npos) << out;
	std::string list = tool("bpftime-patch --list " + d + "/p");
	EXPECT_NE(list.find("ureplace"), std::string::npos) << list;
	EXPECT_NE(list.find("ufilter"), std::string::npos) << list;
}

// A running program: replaced, as it was, replaced again.
TEST_F(Decide, SwitchedAtRunTime)
{
	tool("bpftime-patch -b " DECIDE_DIR "/decide_pie " + compile("decide") + " -o " + d + "/p");
	std::string ctl = BPFTIME_BIN_DIR "/bpftime-ctl ";
	EXPECT_EQ(ok("cat > " + d + "/s <<'EOF'\n"
		     "coproc P { " + d + "/p lines; }\n"
		     "say() { echo x >&${P[1]}; read -r v <&${P[0]}; echo $v; }\n"
		     "say\n"
		     "id=$(" + ctl + "hooks | awk '/replaced @/ {print $1}')\n" +
		     ctl + "disable $id > /dev/null\nsay\n" + ctl + "enable $id > /dev/null\nsay\n"
		     "EOF\nbash " + d + "/s"),
		  "-41\n42\n-41\n");
}

TEST_F(Decide, ThePlanSaysSo)
{
	std::string json = tool("bpftime-patch -b " DECIDE_DIR "/decide_pie --plan --json " + compile("decide"));
	json = json.substr(json.find('{'));
	json_error_t err;
	json_t *plan = json_loads(json.c_str(), 0, &err), *s;
	size_t i, decides = 0;
	ASSERT_NE(plan, nullptr) << err.text;
	json_array_foreach(json_object_get(plan, "sites"), i, s)
		decides += json_is_true(json_object_get(s, "decides"));
	EXPECT_EQ(decides, 12u) << json;
	json_decref(plan);
}

}
