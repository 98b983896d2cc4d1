// SPDX-License-Identifier: MIT
// C++ and Rust names, offsets in the file under three linkers' layouts, .gnu_debugdata: which
// functions they are by the account of nm and readelf, and by the calls that are counted.
#include "../tools.h"

#include <map>
#include <set>
#include <sstream>

#include "demangle.h"

namespace {

const std::string shapes = NAMES_SHAPES;

struct Names : ToolTest {
	// Addresses that the plan names, by line of `nm -C` instead of by our own reader.
	std::set<std::string> of_nm(const std::string &bin, const std::string &grep)
	{
		std::set<std::string> r;
		std::istringstream in(ok("nm -C " + bin + " | grep -E '" + grep + "' | cut -d' ' -f1"));
		for (std::string line; std::getline(in, line);)
			r.insert("0x" + line.substr(line.find_first_not_of('0')));
		return r;
	}
	std::set<std::string> planned(const std::string &bin, const std::string &name, std::string *text = nullptr)
	{
		std::set<std::string> r;
		Output o = shell(BPFTIME_BIN_DIR "/bpftime-patch -b " + bin + " --uprobe '" + name + "' --plan");
		std::istringstream in(o.text);
		for (std::string line; std::getline(in, line);)
			if (line.compare(0, 2, "0x") == 0)
				r.insert(line.substr(0, line.find(' ')));
		if (text)
			*text = o.text;
		return r;
	}
	long calls(const std::string &patched)
	{
		ok("rm -rf " + d + "/maps && " + patched + " > /dev/null");
		std::string all = tool("bpftime-ctl maps | awk '/calls/ {print $1}'");
		return atol(tool("bpftime-ctl get " + all.substr(0, all.find('\n')) + " 0").c_str());
	}
};

TEST_F(Names, OfCxxWithAndWithoutArguments)
{
	std::string text;
	EXPECT_EQ(planned(shapes, "ns::Shape::area(int) const"), of_nm(shapes, "ns::Shape::area\\(int\\)"));
	auto both = planned(shapes, "ns::Shape::area", &text);
	EXPECT_EQ(both, of_nm(shapes, "ns::Shape::area"));
	EXPECT_EQ(both.size(), 2u);
	EXPECT_NE(text.find("ns::Shape::area is 2 functions, all of them are hooked: "), std::string::npos) << text;
	EXPECT_NE(text.find("ns::Shape::area(long) const"), std::string::npos) << text;
	EXPECT_EQ(planned(shapes, "global"), of_nm(shapes, " global\\(int\\)"));
	EXPECT_EQ(planned(shapes, "ns::twice<int>"), of_nm(shapes, "ns::twice<int>"));
	EXPECT_EQ(planned(shapes, "ns::twice<int>(int)"), of_nm(shapes, "ns::twice<int>"));
	EXPECT_EQ(planned(shapes, "ns::Shape::Shape").size(), 1u);	// C1 and C2 are one function
}

// What could be a pattern is a name first.
TEST_F(Names, OfCxxThatLookLikePatterns)
{
	EXPECT_EQ(planned(shapes, "ns::words(char const*)"), of_nm(shapes, "words\\(char const\\*\\)"));
	EXPECT_EQ(planned(shapes, "ns::Shape::operator[]"), of_nm(shapes, "operator\\[\\]"));
	EXPECT_EQ(planned(shapes, "ns::Shape::operator+"), of_nm(shapes, "operator\\+"));
	EXPECT_EQ(planned(shapes, "ns::*"), of_nm(shapes, "(ns::)"));
	EXPECT_EQ(planned(shapes, "ns::words(*)").size(), 2u);
}

TEST_F(Names, OfCxxMisspelt)
{
	std::string text;
	EXPECT_TRUE(planned(shapes, "ns::Shape::aera", &text).empty());
	EXPECT_NE(text.find("did you mean ns::Shape::area"), std::string::npos) << text;
	EXPECT_TRUE(planned(shapes, "ns::Shape::area(unt) const", &text).empty());
	EXPECT_NE(text.find("did you mean ns::Shape::area(int) const"), std::string::npos) << text;
}

// Where a library has it, that is said, also of C++ names.
TEST_F(Names, OfCxxInALibrary)
{
	std::string text;
	if (ok("readelf -d " + shapes).find("libstdc++.so") == std::string::npos)
		GTEST_SKIP() << "it is not linked with libstdc++";
	EXPECT_TRUE(planned(shapes, "std::terminate", &text).empty());
	EXPECT_NE(text.find("libstdc++.so.6 defines it: patch that"), std::string::npos) << text;
	EXPECT_TRUE(planned(shapes, "std::__throw_bad_function_call()", &text).empty());
	EXPECT_NE(text.find("libstdc++.so.6 defines it: patch that"), std::string::npos) << text;
}

// What --list says, program by program, and how many places each has.
TEST_F(Names, InSections)
{
	if (std::string(NAMES_SEC).empty())
		GTEST_SKIP() << "built without the compiler";
	std::string hook = d + "/sec.hook.o", p = d + "/names_shapes.p", said;
	tool("bpftime-aot compile " NAMES_SEC " -o " + hook);
	said = tool("bpftime-patch -b " + shapes + " " + hook + " -o " + p);
	EXPECT_NE(said.find("nothing of SEC(\"uprobe/other_program:main\") is in this binary"), std::string::npos) << said;
	EXPECT_NE(said.find("SEC(\"?uprobe/main\") is attached only where --uprobe says"), std::string::npos) << said;
	EXPECT_EQ(said.find("refused: "), std::string::npos) << said;
	EXPECT_NE(ok(p), "");
	std::map<std::string, int> places;
	std::istringstream in(tool("bpftime-ctl hooks"));
	for (std::string line; std::getline(in, line);)
		if (line.find("/prog_") != std::string::npos)
			places[line.substr(line.find("/prog_") + 6)]++;
	EXPECT_EQ(places, (std::map<std::string, int>{ { "1", 1 }, { "2", 1 }, { "3", 1 }, { "4", 2 }, { "5", 1 },
		  { "6", 1 }, { "7", 1 }, { "8", 1 }, { "9", 1 }, { "10", 1 }, { "11", 1 } }));
}

TEST_F(Names, OfRust)
{
	struct arena *a = arena_new();
	EXPECT_STREQ(demangle(a, "_ZN4core3fmt9Formatter3pad17h0123456789abcdefE", false), "core::fmt::Formatter::pad");
	EXPECT_STREQ(demangle(a, "_RNvCs1234_7mycrate3foo", false), "mycrate::foo");
	EXPECT_EQ(demangle(a, "main", false), nullptr);
	EXPECT_EQ(demangle(a, ("_Z" + std::string(100000, 'P') + "i").c_str(), false), nullptr);
	EXPECT_TRUE(demangle_matches("_ZN4core3fmt9Formatter3pad17h0123456789abcdefE", "core::fmt::*", true));
	arena_free(a);
}

TEST_F(Names, WithAVersion)
{
	const std::string libc = "/lib/x86_64-linux-gnu/libc.so.6";
	std::string text;
	std::set<std::string> old = planned(libc, "pthread_cond_wait@GLIBC_2.2.5"), now = planned(libc, "pthread_cond_wait@@GLIBC_2.3.2");
	EXPECT_EQ(old.size(), 1u);
	EXPECT_EQ(now.size(), 1u);
	EXPECT_NE(old, now);
	planned(libc, "pthread_cond_wait@GLIBC_9", &text);
	EXPECT_NE(text.find("it has pthread_cond_wait@GLIBC_2.2.5, pthread_cond_wait@GLIBC_2.3.2"), std::string::npos) << text;
}

// Where the kernel's uprobe events would put it.  lld and mold map code at addresses that are not
// the offsets in the file.
TEST_F(Names, OffsetsInTheFile)
{
	unsigned layouts = 0;
	for (const char *ld : { "bfd", "lld", "gold", "mold" }) {
		SCOPED_TRACE(ld);
		std::string bin = d + "/" + ld;
		if (shell("g++ -O1 -pie -fPIE -fuse-ld=" + std::string(ld) + " " NAMES_SOURCE " -o " + bin).status)
			continue;
		layouts++;
		std::string vaddr = *of_nm(bin, " global\\(int\\)").begin();
		// offset = vaddr - Addr + Off of its section
		std::string off = ok("readelf -SW " + bin + " | awk '$2==\".text\" || $3==\".text\" {for (i=1;i<=NF;i++) "
				     "if ($i==\"PROGBITS\") print $(i+1), $(i+2)}'");
		uint64_t addr, foff;
		ASSERT_EQ(sscanf(off.c_str(), "%lx %lx", &addr, &foff), 2) << off;
		char hex[32];
		snprintf(hex, sizeof(hex), "0x%lx", strtoul(vaddr.c_str(), nullptr, 16) - addr + foff);
		if (std::string(ld) == "lld")
			EXPECT_NE(vaddr, hex);
		EXPECT_EQ(planned(bin, hex), std::set<std::string>{ vaddr });
		tool("bpftime-patch -b " + bin + " --uprobe " + hex + " -o " + bin + ".p");
		EXPECT_EQ(ok(bin + ".p"), ok(bin));
		EXPECT_EQ(calls(bin + ".p"), 1);
		EXPECT_NE(tool("bpftime-patch --list " + bin + ".p").find(" " + std::string(hex) + " "), std::string::npos);
	}
	EXPECT_GE(layouts, 2u);
	std::string text;
	planned(shapes, "0x7fffffff", &text);
	EXPECT_NE(text.find("no code at that address: offset 0x7fffffff"), std::string::npos) << text;
	planned(shapes, "0x10g", &text);
	EXPECT_NE(text.find("an offset in the file is written 0x1000"), std::string::npos) << text;
}

TEST_F(Names, InGnuDebugdata)
{
	std::string mini = d + "/mini", p;
	ok("cp " + shapes + " " + mini + " && objcopy --only-keep-debug " + mini + " " + mini + ".debug && objcopy -S "
	   "--keep-symbol=_Z6globali " + mini + ".debug " + mini + ".syms && xz -k " + mini + ".syms && strip " + mini +
	   " && objcopy --remove-section=.gnu_debuglink " + mini);
	EXPECT_TRUE(planned(mini, "_Z6globali").empty());
	ok("objcopy --add-section .gnu_debugdata=" + mini + ".syms.xz " + mini);
	EXPECT_EQ(planned(mini, "_Z6globali"), of_nm(shapes, " global\\(int\\)"));
	EXPECT_EQ(planned(mini, "global"), of_nm(shapes, " global\\(int\\)"));
	tool("bpftime-patch -b " + mini + " --uprobe global -o " + mini + ".p");
	EXPECT_EQ(ok(mini + ".p"), ok(shapes));
	EXPECT_EQ(calls(mini + ".p"), 1);
	// damaged, cut short, huge: names are missing, that is all
	for (const char *spoil : { "head -c 100 in > out", "head -c 4M /dev/urandom > out", "head -c 300M /dev/zero | xz -0 > out",
				   "cat in > out; printf xxxx | dd of=out bs=1 seek=200 conv=notrunc" }) {
		ok("cd " + d + " && cp mini.syms.xz in && { " + spoil + "; } 2> /dev/null; strip -o bad mini; "
		   "objcopy --remove-section=.gnu_debugdata --add-section .gnu_debugdata=out bad");
		std::string text;
		EXPECT_TRUE(planned(d + "/bad", "_Z6globali", &text).empty());
		EXPECT_NE(text.find("neither defined nor imported"), std::string::npos) << text;
	}
}

}
