// SPDX-License-Identifier: MIT
// Programs of every shape, built here, with a segment added: they run as before, under this
// kernel and under the rules of old ones (qemu-user), and so they do after the tools that
// rewrite ELF files; what was not to change has not changed; and there is a way back.
#include "payload.h"

#include "audit.h"

#include <algorithm>
#include <ostream>

namespace {

using seg::have;

enum Flags { NO_PATCHELF = 1, ONE_SLOT = 2, NO_SECTIONS = 4 };

struct Build {
	const char *name, *needs, *cmd;	// %S the sources' folder, %O the output
	int flags;
	friend std::ostream &operator<<(std::ostream &o, const Build &b) { return o << b.name; }
};

struct MatrixTest : seg::Test, testing::WithParamInterface<Build> {
	std::string orig, bin;

	bool build()
	{
		std::string cmd = GetParam().cmd;
		orig = dir + "/orig";
		bin = dir + "/patched";
		for (auto [from, to] : { std::pair<std::string, std::string>{ "%S", BPFTIME_TEST_DIR
									      "/segment/targets" },
					 { "%O", orig } })
			for (size_t p; (p = cmd.find(from)) != std::string::npos;)
				cmd.replace(p, 2, to);
		Output r = shell(cmd);
		EXPECT_EQ(r.status, 0) << cmd << "\n" << r.text;
		if (!r.status && (GetParam().flags & NO_SECTIONS))
			drop_sections();
		return r.status == 0;
	}
	// Ends the file with what is loaded.
	void drop_sections()
	{
		struct image *im = image(orig);
		Elf64_Ehdr eh = im->eh;
		std::string s((const char *)im->file.p, im->file.n);
		uint64_t end = 0;
		for (size_t i = 0; i < eh.e_phnum; i++)
			end = std::max(end, im->ph[i].p_offset + im->ph[i].p_filesz);
		eh.e_shoff = eh.e_shnum = eh.e_shstrndx = 0;
		memcpy(&s[0], &eh, sizeof(eh));
		s.resize(end);
		write(orig, s);
	}
	Output outcome(const std::string &cmd) { return shell(cmd + " word 2>" + dir + "/err"); }
	void same(const std::string &cmd, const Output &want)
	{
		Output got = outcome(cmd);
		EXPECT_EQ(got.status, want.status) << cmd;
		EXPECT_EQ(got.text, want.text) << cmd;
		EXPECT_EQ(shell("cat " + dir + "/err").text.find("[bpft]"), 0u) << cmd;
	}
};

bool may_change(const std::string &name)
{
	for (const char *s : { ".interp", ".note", ".gnu.hash", ".hash", ".dynsym", ".dynstr",
			       ".gnu.version", ".dynamic", ".symtab", ".shstrtab" })
		if (!name.compare(0, strlen(s), s))
			return true;
	return false;
}

// Of the original's bytes only declared ones, in tables, are others.
static void only_declared_bytes_change(const struct image *im, const struct image *out,
				       const struct segment_saved &saved)
{
	const uint8_t *file = out->file.p;
	// By section, which the writer's own list knows nothing of.
	for (size_t i = 1; i < im->n_sh; i++) {
		const Elf64_Shdr *o = &im->sh[i], *n = &out->sh[i];
		if (o->sh_type == SHT_NOBITS)
			continue;
		if (!may_change(im->sh_name[i]))
			EXPECT_EQ(memcmp(im->file.p + o->sh_offset, file + o->sh_offset,
					 o->sh_size),
				  0)
				<< im->sh_name[i];
		EXPECT_STREQ(out->sh_name[i], im->sh_name[i]);
		std::string name = im->sh_name[i];
		if (name == ".interp" || name == ".hash" || name == ".gnu.hash" ||
		    name == ".dynstr" || name.compare(0, 5, ".note") == 0)
			EXPECT_EQ(memcmp(im->file.p + o->sh_offset, file + n->sh_offset,
					 o->sh_size),
				  0)
				<< name;
	}
	// And by the list, where there are no sections.
	size_t k = 0;
	for (uint64_t i = 0; i < im->file.n; i++) {
		while (k < saved.n && i >= saved.range[k].foff + saved.range[k].before.n)
			k++;
		if (im->file.p[i] != file[i])
			ASSERT_TRUE(k < saved.n && i >= saved.range[k].foff) << "offset " << i;
	}
	EXPECT_STREQ(out->interp, im->interp);
	EXPECT_EQ(out->n_sym, im->n_sym);
	EXPECT_EQ(out->n_import, im->n_import);
	EXPECT_EQ(out->build_id.n, im->build_id.n);
}

TEST_P(MatrixTest, RunsAsBefore)
{
	if (!have(GetParam().needs))
		GTEST_SKIP() << GetParam().needs << " is not installed";
	if (!build())
		return;
	Output want = outcome(orig);
	struct image *im = image(orig);
	ASSERT_TRUE(im);
	seg::Patched p = seg::patch(a, im, &dg);
	ASSERT_EQ(p.err, 0) << dg.first_text;
	EXPECT_EQ(p.place.one_slot, !!(GetParam().flags & ONE_SLOT));
	write(bin, p.file);
	same(bin, want);
	if (have("qemu-x86_64") && !strstr(GetParam().name, "Bss"))
		same("qemu-x86_64 " + bin, want);
	struct audit look;
	ASSERT_EQ(audit_compare(a, bin.c_str(), orig.c_str(), &look, &dg), 0) << dg.first_text;
	EXPECT_EQ(look.bytes.result, AUDIT_OK) << look.bytes.text;
	EXPECT_NE(look.lief.result, AUDIT_DIFFERS) << look.lief.text;
	if (im->n_sh)	// it complains about every file without
		EXPECT_NE(look.elflint.result, AUDIT_DIFFERS) << look.elflint.text;
	struct image *again;
	struct bytes back;
	ASSERT_EQ(image_parse(a, "patched", p.file, nullptr, &again, &dg), 0) << dg.first_text;
	EXPECT_EQ(again->kind, im->kind);
	ASSERT_EQ(segment_revert(a, again, &back, &dg), 0) << dg.first_text;
	EXPECT_TRUE(back.n == im->file.n && !memcmp(back.p, im->file.p, back.n));
	struct segment_saved saved;
	ASSERT_EQ(segment_saved(a, again, &saved, &dg), 1);
	only_declared_bytes_change(im, again, saved);
}

// The same with hooks in all functions, as people patch.
TEST_P(MatrixTest, HookedEverywhere)
{
	const std::string patch = BPFTIME_BIN_DIR "/bpftime-patch ", out = dir + "/rewritten";
	if (!have(GetParam().needs))
		GTEST_SKIP() << GetParam().needs << " is not installed";
	if (!build())
		return;
	setenv("BPFTIME_DIR", (dir + "/maps").c_str(), 1);
	Output want = outcome(orig), r = shell(patch + "--binary " + orig + " --uprobe '*' -o " + bin);
	// Without symbols and unwind data nothing is known to be a function.
	if (r.status == 1 && (GetParam().flags & NO_SECTIONS || !strcmp(GetParam().name, "Bare")))
		GTEST_SKIP() << r.text;
	ASSERT_EQ(r.status, 0) << r.text;
	// Where there is one place for a header, the PT_NOTE that PT_GNU_PROPERTY repeats may give up its own.
	auto expected = [&](std::string s) {
		size_t at = s.find("note GNU 5\n");
		return GetParam().flags & ONE_SLOT && at != s.npos ? s.erase(at, 11) : s;
	};
	auto same_outcome = [&](const std::string &file, const char *after) {
		Output got = outcome(file);
		EXPECT_EQ(got.status, want.status) << after;
		EXPECT_EQ(expected(got.text), expected(want.text)) << after;
	};
	same_outcome(bin, "patching");
	EXPECT_NE(shell(BPFTIME_BIN_DIR "/bpftime-ctl dump calls").text.find(": "), std::string::npos);
	r = shell(patch + "--audit " + bin + " --against " + orig);
	if (!(GetParam().flags & NO_SECTIONS))	// eu-elflint complains about every file without
		EXPECT_EQ(r.status, 0) << r.text;
	for (std::string tool : { "strip -o %O %I", "objcopy %I %O", "llvm-strip-19 -o %O %I",
				  "patchelf --set-rpath /nowhere --output %O %I" }) {
		if (GetParam().flags & NO_SECTIONS || !have(tool.substr(0, tool.find(' '))) ||
		    (!tool.compare(0, 8, "patchelf") && GetParam().flags & NO_PATCHELF))
			continue;
		auto cmd = [&](const std::string &in) {
			std::string c = tool;
			c.replace(c.find("%O"), 2, out);
			return c.replace(c.find("%I"), 2, in);
		};
		if (shell(cmd(orig)).status || outcome(out).text != want.text)
			continue;	// nor can it do that with the original
		r = shell(cmd(bin));
		ASSERT_EQ(r.status, 0) << r.text;
		same_outcome(out, tool.c_str());
	}
	r = shell(patch + "--revert " + bin + " && cmp " + bin + " " + orig);
	EXPECT_EQ(r.status, 0) << r.text;
	unsetenv("BPFTIME_DIR");
}

TEST_P(MatrixTest, RunsAfterOtherTools)
{
	if (!have(GetParam().needs))
		GTEST_SKIP() << GetParam().needs << " is not installed";
	if (GetParam().flags & NO_SECTIONS)
		return;	// these tools need them
	if (!build())
		return;
	Output want = outcome(orig);
	seg::Patched p = seg::patch(a, image(orig), &dg);
	ASSERT_EQ(p.err, 0) << dg.first_text;
	write(bin, p.file);
	std::string out = dir + "/rewritten";
	// keeps: what is not loaded stays, .bpftime.meta with it.
	struct { const char *tool, *cmd; bool keeps;
	} tools[] = {
		{ "strip", "strip -o %O %I", true },
		{ "strip", "strip -g -o %O %I", true },
		{ "objcopy", "objcopy %I %O", true },
		{ "llvm-strip-19", "llvm-strip-19 -o %O %I", false },
		{ "llvm-objcopy-19", "llvm-objcopy-19 %I %O", true },
		{ "eu-strip", "eu-strip -o %O %I", false },
		{ "patchelf", "cp %I %O && patchelf --set-rpath /nowhere %O", true },
	};
	for (auto &t : tools) {
		if (!have(t.tool) ||
		    (!strcmp(t.tool, "patchelf") && (GetParam().flags & NO_PATCHELF)))
			continue;
		auto apply = [&](const std::string &in) {
			std::string cmd = t.cmd;
			for (size_t at; (at = cmd.find('%')) != std::string::npos;)
				cmd.replace(at, 2, cmd[at + 1] == 'O' ? out : in);
			shell("rm -f " + out);
			return shell(cmd).status == 0;
		};
		if (!apply(orig) || outcome(out).text != want.text)
			continue;	// nor can it do that with the original
		ASSERT_TRUE(apply(bin)) << t.cmd;
		same(out, want);
		struct image *im = image(out);
		struct bytes b;
		ASSERT_TRUE(im) << t.cmd;
		struct diags quiet = {};
		EXPECT_EQ(segment_meta(a, im, &b, &quiet), t.keeps ? 1 : -DIAG_P109) << t.cmd;
		if (shell("cmp " + bin + " " + out).status)
			EXPECT_EQ(segment_revert(a, im, &b, &quiet), -DIAG_P109) << t.cmd;
	}
}

#define GO_ENV "GOCACHE=" BPFTIME_BIN_DIR "/../go-cache HOME=/ GO111MODULE=off "
#define GO GO_ENV "CGO_ENABLED=0 go build -o %O "
#define CC "gcc -O2 %S/probe.c -o %O "
INSTANTIATE_TEST_SUITE_P(
	Builds, MatrixTest,
	testing::Values(
		Build{ "Pie", "gcc", CC "-pie", 0 }, Build{ "NoPie", "gcc", CC "-no-pie", 0 },
		Build{ "Static", "gcc", CC "-static", NO_PATCHELF | ONE_SLOT },
		Build{ "StaticPie", "gcc", CC "-static-pie", NO_PATCHELF },
		Build{ "Stripped", "gcc", CC "-s", 0 },
		Build{ "StaticStripped", "gcc", CC "-static -s", NO_PATCHELF | ONE_SLOT },
		Build{ "NoSeparateCode", "gcc", CC "-Wl,-z,noseparate-code", 0 },
		Build{ "NoPieNoSeparateCode", "gcc", CC "-no-pie -Wl,-z,noseparate-code", 0 },
		Build{ "HugePages", "gcc", CC "-Wl,-z,max-page-size=0x200000", 0 },
		Build{ "Now", "gcc", CC "-Wl,-z,now,-z,relro", 0 },
		Build{ "Lazy", "gcc", CC "-Wl,-z,lazy,-z,norelro", 0 },
		Build{ "SysvHash", "gcc", CC "-Wl,--hash-style=sysv", 0 },
		Build{ "Cet", "gcc", CC "-fcf-protection=full -Wl,-z,ibt,-z,shstk", 0 },
		Build{ "NoBuildId", "gcc", CC "-Wl,--build-id=none", 0 },
		Build{ "Relr", "gcc", CC "-Wl,-z,pack-relative-relocs", 0 },
		Build{ "BigBss", "gcc", CC "-DBIG_BSS", 0 },
		Build{ "BigBssNoPie", "gcc", CC "-DBIG_BSS -no-pie", 0 },
		Build{ "BigBssStatic", "gcc", CC "-DBIG_BSS -static", NO_PATCHELF | ONE_SLOT },
		Build{ "NoPlt", "gcc", CC "-fno-plt", 0 },
		Build{ "Lld", "ld.lld", "clang-19 -O2 %S/probe.c -o %O -fuse-ld=lld -pie", 0 },
		Build{ "LldStatic", "ld.lld", "clang-19 -O2 %S/probe.c -o %O -fuse-ld=lld -static",
		       NO_PATCHELF | ONE_SLOT },
		Build{ "LldNoRosegment", "ld.lld",
		       "clang-19 -O2 %S/probe.c -o %O -fuse-ld=lld -Wl,--no-rosegment", 0 },
		Build{ "Gold", "ld.gold", CC "-fuse-ld=gold", 0 },
		Build{ "GoldStatic", "ld.gold", CC "-fuse-ld=gold -static",
		       NO_PATCHELF | ONE_SLOT },
		Build{ "Mold", "mold", CC "-fuse-ld=mold", 0 },
		Build{ "MoldStatic", "mold", CC "-fuse-ld=mold -static", NO_PATCHELF | ONE_SLOT },
		Build{ "Go", "go", GO "%S/probe.go", NO_PATCHELF },
		Build{ "GoStripped", "go", GO "-ldflags='-s -w' %S/probe.go", NO_PATCHELF },
		Build{ "GoPie", "go", GO "-buildmode=pie %S/probe.go", NO_PATCHELF },
		Build{ "GoCgo", "go", GO_ENV "CGO_ENABLED=1 go build -o %O %S/probe_cgo.go",
		       NO_PATCHELF },
		Build{ "Rust", "rustc", "rustc -C opt-level=1 -o %O %S/probe.rs", 0 },
		Build{ "Musl", "musl-gcc", "musl-gcc -O2 %S/probe.c -o %O", 0 },
		Build{ "MuslStatic", "musl-gcc", "musl-gcc -O2 -static %S/probe.c -o %O",
		       NO_PATCHELF },
		Build{ "MuslStaticPie", "musl-gcc",
		       "musl-gcc -O2 -static-pie -fPIE %S/probe.c -o %O", NO_PATCHELF },
		Build{ "Bare", "gcc", "gcc -nostdlib -static -Wl,--build-id=none %S/bare.S -o %O",
		       NO_PATCHELF },
		Build{ "Exceptions", "g++", "g++ -O2 %S/throw.cpp -o %O", 0 },
		Build{ "ExceptionsStatic", "g++", "g++ -O2 -static %S/throw.cpp -o %O",
		       NO_PATCHELF | ONE_SLOT },
		Build{ "NoSections", "gcc", CC, NO_SECTIONS },
		Build{ "NoSectionsStatic", "gcc", CC "-static", NO_SECTIONS | ONE_SLOT },
		Build{ "NoSectionsStaticPie", "gcc", CC "-static-pie", NO_SECTIONS },
		Build{ "NoSectionsMusl", "musl-gcc", "musl-gcc -O2 %S/probe.c -o %O", NO_SECTIONS },
		Build{ "AfterPatchelf", "patchelf",
		       CC "&& patchelf --set-rpath /a/rather/long/path/to/nowhere %O", 0 }),
	[](const testing::TestParamInfo<Build> &i) { return i.param.name; });

} // namespace
