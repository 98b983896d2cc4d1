// SPDX-License-Identifier: MIT
// Rust programs: every entry and return hooked while panics unwind through the hooked frames.
#include "e2e.h"

static const std::string hook = BPFTIME_GO_HOOK, source = BPFTIME_RUST_SOURCE;

struct Crate {
	const char *name, *flags;
	bool strip;
};
static void PrintTo(const Crate &c, std::ostream *o) { *o << c.name; }

struct Rust : testing::TestWithParam<Crate> {};

// The function whose mangled name has this part, whatever the mangling.
static std::string mangled(const std::string &path, const std::string &part)
{
	struct arena *a = arena_new();
	struct diags dg = {};
	struct image *im;
	std::string found;
	if (image_read(a, path.c_str(), &im, &dg) == 0)
		for (size_t i = 0; i < im->n_sym; i++) {
			std::string name = im->sym[i].name;
			if (name.find("panics") != std::string::npos && name.find(part) != std::string::npos &&
			    name.find("closure") == std::string::npos && name.find("drop") == std::string::npos)
				found = name;
		}
	arena_free(a);
	return found;
}

TEST_P(Rust, PanicsPassHookedFrames)
{
	if (!have("rustc"))
		GTEST_SKIP() << "rustc is not installed";
	Scratch tmp;
	const std::string full = tmp / "full", plain = tmp / "plain", patched = tmp / "patched", maps = tmp / "maps";
	Output built = shell(std::string("rustc --crate-name panics -C opt-level=2 ") + GetParam().flags + " -o " + full +
			  " " + source + " && cp " + full + " " + plain + (GetParam().strip ? " && strip " + plain : ""));
	ASSERT_EQ(built.status, 0) << built.text;
	Output made = shell(bin + "bpftime-patch --binary " + plain + " --uprobe '*' --uretprobe '*' --map-dir " + maps +
			 " -o " + patched + " " + hook);
	ASSERT_EQ(made.status, 0) << made.text;
	Output expect = shell("setarch -R " + plain);
	ASSERT_EQ(expect.status, 0) << expect.text;
	EXPECT_EQ(shell("setarch -R " + patched), expect);
	auto calls = hash_table(maps, "calls"), rets = hash_table(maps, "rets");
	const uint64_t base = 0x555555554000;	// of a PIE without randomisation
	std::istringstream lines(expect.text.substr(expect.text.find('\n')));
	std::string name;
	uint64_t count, seen = 0;
	while (lines >> name >> count) {
		Place at = place_of(full, mangled(full, std::to_string(name.size()) + name));
		ASSERT_TRUE(at.found) << name;
		EXPECT_EQ(calls[base + at.vaddr], count) << name;
		if (name != "descend")
			EXPECT_EQ(rets[base + at.vaddr], count) << name;
		else	// panics do not return
			EXPECT_TRUE(rets[base + at.vaddr] > 0 && rets[base + at.vaddr] < count) << name;
		seen++;
	}
	EXPECT_EQ(seen, 4u);
}

INSTANTIATE_TEST_SUITE_P(Crate, Rust,
			 testing::Values(Crate{ "as_ever", "", false },
					 Crate{ "v0", "-C symbol-mangling-version=v0", false },
					 Crate{ "stripped", "", true }),
			 [](const auto &i) { return std::string(i.param.name); });
