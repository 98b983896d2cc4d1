// SPDX-License-Identifier: MIT
// The audit passes what the writer made, by all its readers, and finds what it should not
// have made.
#include "payload.h"

#include <sys/resource.h>

#include "audit_priv.h"

namespace {

using seg::have;

#define SRC BPFTIME_TEST_DIR "/segment/targets/"

struct AuditTest : seg::Test {
	std::string orig, bin;

	// Patches `path`, with a jump to the stub over the first bytes of the entry point.
	void make(const std::string &path)
	{
		struct image *im = image(path);
		ASSERT_TRUE(im);
		orig = path;
		bin = dir + "/patched";
		seg::Patched p = seg::patch(a, im, &dg);	// once, to learn the place
		ASSERT_EQ(p.err, 0) << dg.first_text;
		struct edits e = {};
		std::string jmp = "\xe9";
		seg::put32(jmp, (int64_t)(p.place.rx_vaddr - (im->eh.e_entry + 5)));
		if (im->eh.e_entry)
			edits_add(a, &e, im, im->eh.e_entry, 0, { (const uint8_t *)jmp.data(), 5 },
				  "test");
		std::vector<cfi_entry> cfi = { { p.place.rx_vaddr, p.place.rx_vaddr + 128 } };
		p = seg::patch(a, im, &dg, &e, cfi);
		ASSERT_EQ(p.err, 0) << dg.first_text;
		write(bin, p.file);
	}
	struct audit audit()
	{
		struct audit au = {};
		dg = {};
		EXPECT_EQ(audit_compare(a, bin.c_str(), orig.c_str(), &au, &dg), 0)
			<< dg.first_text;
		return au;
	}
	void expect_ok()
	{
		struct audit au = audit();
		EXPECT_EQ(au.bytes.result, AUDIT_OK) << orig << ": " << au.bytes.text;
		EXPECT_NE(au.lief.result, AUDIT_DIFFERS) << orig << ": " << au.lief.text;
		EXPECT_NE(au.elflint.result, AUDIT_DIFFERS) << orig << ": " << au.elflint.text;
		if (!access("/usr/lib/x86_64-linux-gnu/libLIEF.so.0", R_OK))
			EXPECT_EQ(au.lief.result, AUDIT_OK) << orig << ": " << au.lief.text;
		if (have("eu-elflint"))
			EXPECT_EQ(au.elflint.result, AUDIT_OK) << orig << ": " << au.elflint.text;
	}
	// The same, with n bytes at foff replaced.
	struct audit damaged(uint64_t foff, const std::string &bytes)
	{
		struct bytes b;
		EXPECT_EQ(file_read(a, bin.c_str(), &b, nullptr, &dg), 0);
		std::string s((const char *)b.p, b.n);
		s.replace(foff, bytes.size(), bytes);
		write(dir + "/damaged", s);
		std::string keep = bin;
		bin = dir + "/damaged";
		struct audit au = audit();
		bin = keep;
		return au;
	}
};

TEST_F(AuditTest, PassesEveryShape)
{
	for (const char *cc : { "gcc", "gcc -no-pie", "gcc -static", "gcc -static-pie", "gcc -s",
				"gcc -Wl,-z,noseparate-code", "gcc -Wl,--hash-style=sysv",
				"musl-gcc -static", "musl-gcc", "clang-19 -fuse-ld=lld" }) {
		if (!have(std::string(cc).substr(0, std::string(cc).find(' '))))
			continue;
		ASSERT_EQ(shell(std::string(cc) + " " SRC "probe.c -o " + dir + "/x").status, 0) << cc;
		make(dir + "/x");
		SCOPED_TRACE(cc);
		expect_ok();
	}
}

TEST_F(AuditTest, PassesDebiansPrograms)
{
	for (const char *path :
	     { "/usr/sbin/nginx", "/usr/bin/openssl", "/usr/bin/redis-server", "/usr/bin/sqlite3",
	       "/bin/busybox", "/usr/lib/x86_64-linux-gnu/libssl.so.3",
	       "/usr/lib/x86_64-linux-gnu/libc.so.6",
				  "/usr/lib/x86_64-linux-gnu/libz.so.1" }) {
		if (access(path, R_OK))
			continue;
		make(path);
		expect_ok();
	}
}

TEST_F(AuditTest, FindsAForeignByteInTheText)
{
	ASSERT_EQ(shell("gcc " SRC "probe.c -o " + dir + "/x").status, 0);
	make(dir + "/x");
	struct image *im = image(bin);
	const Elf64_Shdr *text = image_section(im, ".text"), *ro = image_section(im, ".rodata");
	for (uint64_t foff : { text->sh_offset + text->sh_size - 9, ro->sh_offset }) {
		struct audit au = damaged(foff, "\x5a");
		EXPECT_EQ(au.bytes.result, AUDIT_DIFFERS);
		EXPECT_NE(au.lief.result, AUDIT_OK);
	}
}

TEST_F(AuditTest, FindsAJumpToNowhere)
{
	ASSERT_EQ(shell("gcc " SRC "probe.c -o " + dir + "/x").status, 0);
	make(dir + "/x");
	struct image *im = image(orig);
	struct audit au = damaged(image_foff(im, im->eh.e_entry), std::string("\xe9\0\x10\0\0", 5));
	EXPECT_EQ(au.bytes.result, AUDIT_DIFFERS);
	EXPECT_NE(std::string(au.bytes.text).find("goes nowhere"), std::string::npos)
		<< au.bytes.text;
}

TEST_F(AuditTest, FindsChangedTables)
{
	ASSERT_EQ(shell("gcc " SRC "probe.c -o " + dir + "/x").status, 0);
	make(dir + "/x");
	struct image *im = image(bin);
	size_t shot = 0;
	for (size_t i = 0; i < im->eh.e_phnum; i++) {
		const Elf64_Phdr *p = &im->ph[i];
		uint64_t at = im->eh.e_phoff + i * sizeof(*p);
		std::string longer((const char *)&p->p_memsz, 8);
		longer[1]++;
		struct audit au = { { nullptr, AUDIT_OK, nullptr }, {}, {} };
		if (p->p_type == PT_DYNAMIC)	// an entry in it
			au = damaged(p->p_offset + 6 * 16 + 8, std::string(8, '\x11'));
		else if (p->p_type == PT_INTERP)
			au = damaged(p->p_offset, "/bin/no");
		else if (p->p_type == PT_GNU_EH_FRAME)
			au = damaged(p->p_offset + 12, std::string(4, '\x7f'));
		else if (p->p_type == PT_GNU_STACK)
			au = damaged(at + offsetof(Elf64_Phdr, p_flags),
				     std::string("\x07\0\0\0", 4));
		else if (p->p_type == PT_GNU_RELRO || p->p_type == PT_NOTE)
			au = damaged(at + offsetof(Elf64_Phdr, p_memsz), longer);
		else
			continue;
		shot++;
		EXPECT_EQ(au.bytes.result, AUDIT_DIFFERS) << "type " << p->p_type;
	}
	EXPECT_GE(shot, 7u);
	const Elf64_Shdr *sym = image_section(im, ".symtab");
	EXPECT_EQ(damaged(sym->sh_offset + 8 * 24 + 8, std::string(8, '\x22')).bytes.result,
		  AUDIT_DIFFERS);
	EXPECT_EQ(damaged(sym->sh_offset + 8 * 24 + 8, std::string(8, '\x22')).lief.result,
		  AUDIT_DIFFERS);
	uint64_t last_sh = im->eh.e_shoff + 14 * sizeof(Elf64_Shdr);
	EXPECT_EQ(damaged(last_sh + offsetof(Elf64_Shdr, sh_flags), "\x7").bytes.result,
		  AUDIT_DIFFERS);
}

TEST_F(AuditTest, AnotherOriginalIsNoticed)
{
	ASSERT_EQ(shell("gcc " SRC "probe.c -o " + dir + "/x").status, 0);
	make(dir + "/x");
	ASSERT_EQ(shell("gcc -O1 " SRC "probe.c -o " + dir + "/x").status, 0);
	EXPECT_EQ(audit().bytes.result, AUDIT_DIFFERS);
}

TEST_F(AuditTest, ReadersThatFailAreUnavailable)
{
	struct audit_ctx c = {};
	struct bytes out;
	const char *why = nullptr;
	auto crash = [](const struct audit_ctx *, const char *, FILE *) -> int { abort(); };
	auto fail = [](const struct audit_ctx *, const char *, FILE *) { return 1; };
	auto hog = [](const struct audit_ctx *, const char *, FILE *f) -> int {
		void *p = malloc((size_t)5 << 30);	// over the child's limit
		return fputs(p ? "room" : "none", f) < 0;
	};
	EXPECT_EQ(audit_child(a, crash, &c, "x", &out, &why), -1);
	EXPECT_STREQ(why, "the reader crashed: Aborted");
	EXPECT_EQ(audit_child(a, fail, &c, "x", &out, &why), -1);
	EXPECT_STREQ(why, "the reader cannot read it");
	ASSERT_EQ(audit_child(a, hog, &c, "x", &out, &why), 0);
	EXPECT_EQ(std::string((const char *)out.p, out.n), "none");
}

// What nobody but us has looked at is not approved.
TEST_F(AuditTest, NeedsAnIndependentReader)
{
	ASSERT_EQ(shell("gcc " SRC "probe.c -o " + dir + "/x").status, 0);
	make(dir + "/x");
	struct rlimit old, few;
	getrlimit(RLIMIT_NOFILE, &old);
	FILE *f = fopen("/dev/null", "w");
	int next = dup(0);
	close(next);
	few = { (rlim_t)next + 1, old.rlim_max };	// files can be read, but there is no pipe
	dg = {};
	setrlimit(RLIMIT_NOFILE, &few);
	int r = audit_files(a, bin.c_str(), orig.c_str(), false, f, &dg);
	setrlimit(RLIMIT_NOFILE, &old);
	EXPECT_EQ(r, -DIAG_P112) << dg.first_text;
	fclose(f);
}

TEST_F(AuditTest, PrintsAndReturnsWhatItFound)
{
	ASSERT_EQ(shell("gcc " SRC "probe.c -o " + dir + "/x").status, 0);
	make(dir + "/x");
	char *text = nullptr;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);
	dg = {};
	int r = audit_files(a, bin.c_str(), orig.c_str(), true, f, &dg);
	fclose(f);
	bool readers =
		have("eu-elflint") || !access("/usr/lib/x86_64-linux-gnu/libLIEF.so.0", R_OK);
	EXPECT_EQ(r, readers ? 0 : -DIAG_P112) << dg.first_text;
	EXPECT_NE(std::string(text).find("{\"name\":\"bytes\",\"result\":\"ok\",\"text\":null}"),
		  std::string::npos)
		<< text;
	free(text);
	// with no tools in reach and no library
	dg = {};
	std::string path = getenv("PATH");
	setenv("PATH", "/nowhere", 1);
	struct audit au = {};
	audit_compare(a, bin.c_str(), orig.c_str(), &au, &dg);
	EXPECT_EQ(au.elflint.result, AUDIT_UNAVAILABLE);
	setenv("PATH", path.c_str(), 1);
	// not one of ours, and one that differs
	EXPECT_EQ(audit_compare(a, orig.c_str(), orig.c_str(), &au, &dg), -DIAG_P021);
	ASSERT_EQ(shell("gcc -O1 " SRC "probe.c -o " + dir + "/x").status, 0);
	f = fopen("/dev/null", "w");
	EXPECT_EQ(audit_files(a, bin.c_str(), orig.c_str(), false, f, &dg), -DIAG_P111);
	fclose(f);
}

} // namespace
