// SPDX-License-Identifier: MIT
// Unwinding through added code, shared objects, and what is refused.
#include "payload.h"

#include <functional>

namespace {

using seg::have;

#define SRC BPFTIME_TEST_DIR "/segment/targets/"

struct SegmentTest : seg::Test {
	std::string contents(const std::string &path)
	{
		struct bytes b = {};
		EXPECT_EQ(file_read(a, path.c_str(), &b, nullptr, &dg), 0);
		return std::string((const char *)b.p, b.n);
	}
	struct bytes bytes_of(const std::string &s)
	{
		return { (const uint8_t *)s.data(), s.size() };
	}
	std::string probe(const std::string &flags)
	{
		std::string out = dir + "/probe";
		Output r = shell("gcc -O2 " SRC "probe.c -o " + out + " " + flags);
		EXPECT_EQ(r.status, 0) << r.text;
		return contents(out);
	}
	// Code of the refusal of `s`, 0 when it is patched.
	int refusal(const std::string &s)
	{
		struct image *im;
		dg = {};
		int err = image_parse(a, "input",
				      bytes_of(*new (arena_alloc(a, sizeof(s))) std::string(s)),
				      nullptr, &im, &dg);
		return err ? err : seg::patch(a, im, &dg).err;
	}
};

template <typename T> T &at(std::string &s, size_t off) { return *(T *)(void *)&s[off]; }
Elf64_Ehdr &ehdr(std::string &s) { return at<Elf64_Ehdr>(s, 0); }
Elf64_Phdr &phdr(std::string &s, uint32_t type, int nth = 0)
{
	for (int i = 0;; i++) {
		Elf64_Phdr &p = at<Elf64_Phdr>(s, ehdr(s).e_phoff + i * sizeof(Elf64_Phdr));
		if (p.p_type == type && !nth--)
			return p;
	}
}

// A payload whose code has an FDE: CIE "zR", then one FDE over the stub.
struct Unwind : SegmentTest {
	std::string built;

	void patch_with_cfi(const std::string &flags, bool cfi,
			    const std::function<void(std::string &)> &edit = {})
	{
		Output r = shell("g++ -O2 " SRC "throw.cpp -o " + dir + "/throw " + flags);
		ASSERT_EQ(r.status, 0) << r.text;
		std::string s = contents(dir + "/throw");
		if (edit)
			edit(s);
		struct image *im;
		ASSERT_EQ(image_parse(a, "throw", bytes_of(s), nullptr, &im, &dg), 0)
			<< dg.first_text;
		struct segment_plan *sp;
		struct segment_place pl;
		struct lnk_size size = {};
		size.rx_bytes = 256;
		size.rw_bytes = size.rw_file_bytes = size.rw_align = 4096;
		size.rx_align = 64;
		ASSERT_EQ(segment_plan(a, im, &size, cfi, &sp, &pl, &dg), 0) << dg.first_text;
		seg::Stub stub = seg::make_stub(pl, im->eh.e_entry);
		std::string &rx = stub.rx;
		rx += std::string(
			"\x14\0\0\0\0\0\0\0\x01zR\0\x01\x78\x10\x01\x1b\x0c\x07\x08\x90\x01\0\0",
			24);
		size_t fde = rx.size();
		rx += std::string("\x10\0\0\0\x1c\0\0\0", 8);
		seg::put32(rx, -(int64_t)(fde + 8));	// start, from here: the stub is at 0
		seg::put32(rx, 128);
		rx += std::string(8, '\0');
		cfi_entry e = { pl.rx_vaddr, pl.rx_vaddr + fde };
		struct segment_fill f = {};
		f.rx = bytes_of(rx);
		f.rw = bytes_of(stub.rw);
		f.cfi = &e;
		f.n_cfi = cfi;
		f.entry_vaddr = pl.rx_vaddr;
		struct bytes out;
		ASSERT_EQ(segment_write(sp, &f, &out, &dg), 0) << dg.first_text;
		built = dir + "/patched";
		write(built, out);
	}
	void expect_found(bool found)
	{
		Output r = shell(built + " fde 2>/dev/null");
		EXPECT_EQ(r.status, 0) << r.text;
		EXPECT_NE(r.text.find("caught at 3"), std::string::npos) << r.text;
		EXPECT_NE(r.text.find(found ? "fde found" : "fde NOT FOUND"), std::string::npos)
			<< r.text;
	}
};

TEST_F(Unwind, FindsAddedCodeByTheMergedTable)
{
	patch_with_cfi("", true);
	expect_found(true);
	EXPECT_EQ(shell("strip " + built).status, 0);
	expect_found(true);
	std::string order = shell("readelf -wF " + built + " 2>&1 >/dev/null").text;
	EXPECT_EQ(order, "");
}

TEST_F(Unwind, DoesNotFindItWithout)
{
	patch_with_cfi("", false);
	expect_found(false);
}

TEST_F(Unwind, FindsAddedCodeInStaticPrograms)
{
	patch_with_cfi("-static", true);
	expect_found(true);
	patch_with_cfi("-static-pie", true);
	expect_found(true);
	patch_with_cfi("-no-pie", true);
	expect_found(true);
}

// Without a table the program itself cannot throw; with ours, made of its FDEs, it can.
TEST_F(Unwind, MakesATableWhereThereIsNone)
{
	patch_with_cfi("-Wl,--no-eh-frame-hdr", true);
	EXPECT_NE(shell(dir + "/throw").status, 0);
	expect_found(true);
	shell("strip " + built);
	expect_found(true);
}

TEST_F(Unwind, MakesATableWhereItIsNotSorted)
{
	patch_with_cfi("", true, [](std::string &s) {
		s[phdr(s, PT_GNU_EH_FRAME).p_offset + 2] = '\xff';	// no count, no table
	});
	expect_found(true);
}

struct Library : SegmentTest {
	void use(const std::string &build, bool init)
	{
		std::string lib = dir + "/lib.so", sub = dir + "/p";
		shell("mkdir -p " + sub);
		Output r = shell(build + " " SRC "lib.c -fPIC -shared -o " + lib);
		ASSERT_EQ(r.status, 0) << r.text;
		std::string cc = build.substr(0, build.find(' '));
		r = shell(cc + " " SRC "uselib.c -o " + dir + "/use " + lib);
		ASSERT_EQ(r.status, 0) << r.text;
		struct image *im = image(lib);
		ASSERT_TRUE(im);
		EXPECT_EQ(im->kind, IMAGE_DSO);
		seg::Patched p = seg::patch(a, im, &dg);
		ASSERT_EQ(p.err, 0) << dg.first_text;
		std::string want = shell(dir + "/use").text;
		write(lib, p.file);
		EXPECT_EQ(shell(dir + "/use 2>/dev/null").text, want);
		EXPECT_EQ(shell(dir + "/use 2>&1 >/dev/null").text, init ? "[bpft]\n" : "");
		for (const char *tool : { "strip", "strip -g" }) {
			EXPECT_EQ(shell(std::string(tool) + " " + lib).status, 0);
			EXPECT_EQ(shell(dir + "/use 2>/dev/null").text, want) << tool;
			EXPECT_EQ(shell(dir + "/use 2>&1 >/dev/null").text, init ? "[bpft]\n" : "")
				<< tool;
		}
	}
};

TEST_F(Library, InitialisesThroughDtInit)
{
	use("gcc", true);
}

// -nostartfiles: no _init, so a spare dynamic entry becomes DT_INIT.
TEST_F(Library, InitialisesWithoutDtInit)
{
	use("gcc -nostartfiles -DNO_CONSTRUCTOR", true);
}

// lld leaves no spare entry: the first hook will have to initialise.
TEST_F(Library, LoadsWhereNothingCanInitialise)
{
	if (!have("ld.lld"))
		GTEST_SKIP() << "lld is not installed";
	use("clang-19 -fuse-ld=lld -nostartfiles -DNO_CONSTRUCTOR", false);
}

TEST_F(Library, OfLldAndMusl)
{
	if (!have("ld.lld") || !have("musl-gcc"))
		GTEST_SKIP() << "lld or musl-gcc is not installed";
	use("clang-19 -fuse-ld=lld", true);
	use("clang-19 -fuse-ld=lld -Wl,--build-id=none,--hash-style=gnu", true);
	use("musl-gcc", true);
}

struct DebianLibrary : SegmentTest,
		       testing::WithParamInterface<std::pair<const char *, const char *>> {
};

// The program (with arguments) finds the patched library first.
TEST_P(DebianLibrary, ServesItsUsers)
{
	std::string path = std::string("/usr/lib/x86_64-linux-gnu/") + GetParam().first;
	SKIP_WITHOUT(path);
	std::string cmd = GetParam().second;
	if (!have(cmd.substr(0, cmd.find(' '))))
		GTEST_SKIP() << cmd << " is not installed";
	struct image *im = image(path);
	ASSERT_TRUE(im);
	EXPECT_EQ(im->kind, IMAGE_DSO);
	seg::Patched p = seg::patch(a, im, &dg);
	ASSERT_EQ(p.err, 0) << dg.first_text;
	std::string want = shell(cmd).text;
	write(dir + "/" + GetParam().first, p.file);
	std::string env = "LD_LIBRARY_PATH=" + dir + " ";
	EXPECT_EQ(shell(env + cmd + " 2>/dev/null").text, want);
	EXPECT_NE(shell(env + cmd + " 2>&1 >/dev/null").text.find("[bpft]"), std::string::npos);
	EXPECT_EQ(shell("strip " + dir + "/" + GetParam().first).status, 0);
	EXPECT_EQ(shell(env + cmd + " 2>/dev/null").text, want) << "stripped";
}

// With hooks in all functions; what the tools that rewrite ELF files make of it serves as well.
TEST_P(DebianLibrary, HookedEverywhere)
{
	const std::string name = GetParam().first, cmd = GetParam().second, patch = BPFTIME_BIN_DIR "/bpftime-patch ";
	std::string path = "/usr/lib/x86_64-linux-gnu/" + name, lib = dir + "/a/" + name, out = dir + "/b/" + name;
	SKIP_WITHOUT(path);
	if (!have(cmd.substr(0, cmd.find(' '))))
		GTEST_SKIP() << cmd << " is not installed";
	setenv("BPFTIME_DIR", (dir + "/maps").c_str(), 1);
	shell("mkdir " + dir + "/a " + dir + "/b");
	std::string want = shell(cmd).text;
	Output r = shell(patch + "--binary " + path + " --uprobe '*' --map-dir $BPFTIME_DIR -o " + lib);
	ASSERT_EQ(r.status, 0) << r.text;
	EXPECT_EQ(shell("LD_LIBRARY_PATH=" + dir + "/a " + cmd).text, want);
	EXPECT_NE(shell(BPFTIME_BIN_DIR "/bpftime-ctl dump calls").text.find(": "), std::string::npos);
	r = shell(patch + "--audit " + lib + " --against " + path);
	EXPECT_EQ(r.status, 0) << r.text;
	for (const char *tool : { "strip -o ", "objcopy ", "llvm-strip-19 -o " }) {
		if (!have(std::string(tool, strcspn(tool, " "))))
			continue;
		r = shell(strstr(tool, "-o") ? tool + out + " " + lib : tool + lib + " " + out);
		EXPECT_EQ(r.status, 0) << r.text;
		EXPECT_EQ(shell("LD_LIBRARY_PATH=" + dir + "/b " + cmd).text, want) << tool;
	}
	r = shell(patch + "--revert " + lib + " && cmp " + lib + " " + path);
	EXPECT_EQ(r.status, 0) << r.text;
	unsetenv("BPFTIME_DIR");
}

INSTANTIATE_TEST_SUITE_P(
	Libs, DebianLibrary,
	testing::Values(
		std::pair<const char *, const char *>{ "libcrypto.so.3",
						       "openssl dgst -sha512 /etc/passwd" },
		std::pair<const char *, const char *>{ "libssl.so.3", "openssl ciphers" },
		std::pair<const char *, const char *>{ "libc.so.6", "/bin/ls /usr/include" },
		std::pair<const char *, const char *>{ "libz.so.1", "readelf -h /bin/ls" },
		std::pair<const char *, const char *>{ "libstdc++.so.6", "clang-19 --version" },
		std::pair<const char *, const char *>{
			"libm.so.6", "python3.11 -c 'import math; print(math.sin(1))'" }),
	[](const testing::TestParamInfo<std::pair<const char *, const char *>> &i) {
		std::string s = i.param.first;
		return s.substr(0, s.find_first_of(".+"));
	});

struct Refused : SegmentTest {};

TEST_F(Refused, WhatIsNotATarget)
{
	std::string pie = probe("");
	ASSERT_EQ(refusal(pie), 0);
	EXPECT_EQ(refusal("#!/bin/sh\n" + std::string(100, ' ')), -DIAG_P001);
	EXPECT_EQ(refusal(""), -DIAG_P001);
	std::string s = pie;
	s[EI_CLASS] = ELFCLASS32;
	EXPECT_EQ(refusal(s), -DIAG_P001);
	s = pie;
	ehdr(s).e_machine = EM_AARCH64;
	EXPECT_EQ(refusal(s), -DIAG_P001);
	s = pie;
	ehdr(s).e_type = ET_REL;
	EXPECT_EQ(refusal(s), -DIAG_P001);
	shell("objcopy --only-keep-debug " + dir + "/probe " + dir + "/debug");
	EXPECT_EQ(refusal(contents(dir + "/debug")), -DIAG_P001);
}

TEST_F(Refused, MalformedFiles)
{
	std::string pie = probe("");
	EXPECT_EQ(refusal(pie.substr(0, 40)), -DIAG_P100);
	EXPECT_EQ(refusal(pie.substr(0, 3000)), -DIAG_P100);
	EXPECT_EQ(refusal(pie.substr(0, pie.size() - 1)), -DIAG_P100);
	std::string s = pie;
	phdr(s, PT_LOAD, 1).p_filesz = ~0ull;
	EXPECT_EQ(refusal(s), -DIAG_P100);
	s = pie;
	phdr(s, PT_LOAD, 1).p_vaddr = 0;
	EXPECT_EQ(refusal(s), -DIAG_P101);
	s = pie;
	std::swap(phdr(s, PT_LOAD, 0).p_vaddr, phdr(s, PT_LOAD, 1).p_vaddr);
	EXPECT_EQ(refusal(s), -DIAG_P101);
	s = pie;
	phdr(s, PT_LOAD, 1).p_flags = PF_R | PF_W | PF_X;
	EXPECT_EQ(refusal(s), -DIAG_P102);
	s = pie;
	ehdr(s).e_phnum = PN_XNUM;
	EXPECT_EQ(refusal(s), -DIAG_P104);
}

TEST_F(Refused, PackedFiles)
{
	std::string s = probe("-static");
	ehdr(s).e_shoff = 0;
	ehdr(s).e_shnum = 0;
	s.replace(s.size() - 36, 4, "UPX!");
	EXPECT_NE(refusal(s), -DIAG_P103);
	s.replace(1000, 4, "UPX!");
	EXPECT_EQ(refusal(s), -DIAG_P103);
}

TEST_F(Refused, NoRoomForAHeader)
{
	ASSERT_EQ(shell("gcc -nostdlib -static -Wl,--build-id=none,-z,noseparate-code " SRC "bare.S -o " + dir + "/bare").status, 0);
	EXPECT_EQ(refusal(contents(dir + "/bare")), -DIAG_P105);
}

// The note stays where it is when it is not needed; else there is no room.
TEST_F(Refused, MovingANoteThatCodeReads)
{
	for (const char *flags : { "-pie -fPIE", "-no-pie -fno-pie", "-no-pie -fPIE -s" }) {
		std::string x = dir + "/x";
		Output r = shell("gcc -O2 -DALIGN=0 " SRC "readnote.c -o " + x + " " + flags);
		ASSERT_EQ(r.status, 0) << r.text;
		ASSERT_EQ(shell(x).text, "GNU\n");
		struct image *im = image(x);
		ASSERT_TRUE(im);
		seg::Patched p = seg::patch(a, im, &dg);
		ASSERT_EQ(p.err, 0) << dg.first_text;
		write(x, p.file);
		EXPECT_EQ(shell(x + " 2>/dev/null").text, "GNU\n") << flags;
		EXPECT_EQ(shell("gcc -O2 -DALIGN=3 " SRC "readnote.c -o " + x + " " + flags).status, 0);
		EXPECT_EQ(refusal(contents(x)), -DIAG_P105) << flags;
		EXPECT_STREQ(dg.first_text, "code refers to the notes behind the program headers");
		shell("gcc -O2 -DALIGN=3 -DBARE -nostdlib -static -Wl,--build-id=none " SRC
		    "readnote.c -o " +
		    x + " " + flags);
		EXPECT_EQ(refusal(contents(x)), -DIAG_P105) << flags;
		EXPECT_STREQ(dg.first_text, "code refers to the notes behind the program headers");
	}
}

TEST_F(Refused, AppendedData)
{
	std::string s = probe("");
	EXPECT_EQ(refusal(s + std::string(100, '\0')), 0);
	EXPECT_EQ(refusal(s + "a payload of somebody else"), -DIAG_P106);
}

TEST_F(Refused, LargerThanDisplacementsReach)
{
	std::string s = probe("");
	Elf64_Phdr *last = &phdr(s, PT_LOAD, 3);
	last->p_memsz = 0x7ff00000;
	EXPECT_EQ(refusal(s), -DIAG_P107);
	last->p_memsz = 0x7f000000;
	EXPECT_EQ(refusal(s), 0);
}

struct Again : SegmentTest {
	std::string patched()
	{
		std::string s = probe("");
		struct image *im;
		EXPECT_EQ(image_parse(a, "probe", bytes_of(s), nullptr, &im, &dg), 0);
		seg::Patched p = seg::patch(a, im, &dg);
		EXPECT_EQ(p.err, 0) << dg.first_text;
		return std::string((const char *)p.file.p, p.file.n);
	}
	int revert(const std::string &s)
	{
		struct image *im;
		struct bytes out;
		dg = {};
		int err = image_parse(a, "patched", bytes_of(s), nullptr, &im, &dg);
		return err ? err : segment_revert(a, im, &out, &dg);
	}
	size_t find(const std::string &s, uint64_t magic)
	{
		return s.find(std::string((const char *)&magic, 8));
	}
};

TEST_F(Again, PatchingTwiceNeedsARevert)
{
	std::string s = patched();
	EXPECT_EQ(revert(s), 0);
	EXPECT_EQ(refusal(s), -DIAG_P110);
}

TEST_F(Again, RevertOfWhatIsNotOurs)
{
	EXPECT_EQ(revert(probe("")), -DIAG_P021);
}

TEST_F(Again, AnyModifiedByteIsNoticed)
{
	std::string s = patched();
	for (size_t i = 0; i < s.size(); i += 97) {
		std::string m = s;
		m[i] ^= 0x10;
		EXPECT_NE(revert(m), 0) << "offset " << i;
	}
	std::string m = s;
	m[0x1100] ^= 1;	// in .text
	EXPECT_EQ(revert(m), -DIAG_P109);
	EXPECT_EQ(revert(s + "x"), -DIAG_P109);
}

TEST_F(Again, OtherVersionsAreLeftAlone)
{
	std::string s = patched(), m = s;
	at<uint16_t>(m, find(m, PATCHFMT_MARKER_MAGIC) + 8) = 2;
	EXPECT_EQ(revert(m), -DIAG_P108);
	EXPECT_EQ(refusal(m), -DIAG_P110);
	m = s;
	at<uint16_t>(m, find(m, PATCHFMT_META_MAGIC) + 8) = 2;
	EXPECT_EQ(revert(m), -DIAG_P108);
	m = s;
	at<uint64_t>(m, find(m, PATCHFMT_MARKER_MAGIC)) = 0;
	EXPECT_EQ(revert(m), -DIAG_P109);
}

TEST_F(Again, EditsAreAppliedAndUndone)
{
	std::string s = probe(""), back;
	struct image *im, *out;
	ASSERT_EQ(image_parse(a, "probe", bytes_of(s), nullptr, &im, &dg), 0);
	struct edits e = {};
	std::string five = "\xe9\x01\x02\x03\x04";
	edits_add(a, &e, im, im->eh.e_entry, 0, bytes_of(five), "a jump");
	seg::Patched p = seg::patch(a, im, &dg, &e);
	ASSERT_EQ(p.err, 0) << dg.first_text;
	ASSERT_EQ(image_parse(a, "patched", p.file, nullptr, &out, &dg), 0);
	EXPECT_EQ(memcmp(image_at(out, im->eh.e_entry, 5), five.data(), 5), 0);
	struct segment_saved saved;
	ASSERT_EQ(segment_saved(a, out, &saved, &dg), 1);
	size_t sites = 0;
	for (size_t i = 0; i < saved.n; i++)
		if (saved.range[i].kind == SAVED_SITE) {
			sites++;
			EXPECT_EQ(saved.range[i].foff, image_foff(im, im->eh.e_entry));
		}
	EXPECT_EQ(sites, 1u);
	struct bytes original;
	ASSERT_EQ(segment_revert(a, out, &original, &dg), 0);
	EXPECT_EQ(std::string((const char *)original.p, original.n), s);
	// Two edits of one place, or one that is not in the file, are not written.
	edits_add(a, &e, im, im->eh.e_entry + 3, 0, bytes_of(five), "another");
	EXPECT_EQ(seg::patch(a, im, &dg, &e).err, -DIAG_P100);
	e = {};
	edits_add(a, &e, im, im->vaddr_end + 100, 0, bytes_of(five), "nowhere");
	EXPECT_EQ(seg::patch(a, im, &dg, &e).err, -DIAG_I001);
}

} // namespace
