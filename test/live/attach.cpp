// SPDX-License-Identifier: MIT
// Hooks come into running programs of every kind, under load, and leave them as they were.
#include <algorithm>

#include "process.h"

namespace {

using live::Load;

struct Attach : LiveTest, testing::WithParamInterface<const char *> {
	std::string target;

	void SetUp() override
	{
		LiveTest::SetUp();
		target = std::string(TEST_TARGETS) + "/" + GetParam();
		if (access(target.c_str(), X_OK))
			GTEST_SKIP() << "there is no musl-gcc, or no go";
	}
	std::string patch(const Load &l, const std::string &args)
	{
		return tool("bpftime-patch --pid " + std::to_string(l.pid) + " " + args);
	}
	bool go() const { return !strcmp(GetParam(), "go"); }
	std::string fn(const std::string &name) const { return go() ? "main." + name : name; }
	// What the hook counts while the program makes exactly this many calls.
	void expect_exact(Load &l)
	{
		l.order(LOAD_REST);
		uint64_t before = calls();
		l.order(LOAD_EXACT);
		EXPECT_EQ(calls() - before, (uint64_t)l.threads * LOAD_CALLS);
		l.order(LOAD_RUN);
	}
};

struct Json : LiveTest {};

// BPFTIME_ATTACHES: how often; scripts/torture makes it 1,000.
TEST_P(Attach, AndDetachUnderLoad)
{
	const char *env = getenv("BPFTIME_ATTACHES");
	int times = env ? atoi(env) : 6;
	Load l(target, d, 4);
	unsigned mappings = l.mappings();

	ASSERT_EQ(l.changed_text(), "");
	for (int i = 0; i < times && !HasFailure(); i++) {
		patch(l, "--uprobe " + fn("work") + (i % 3 ? "" : " --uprobe " + fn("more_work")));
		EXPECT_EQ(l.changed_text(), "differs from the file");
		if (i % 3)
			expect_exact(l);
		patch(l, "--detach");
		EXPECT_EQ(l.changed_text(), "");
	}
	// What a thread was inside of may have been left; the last time takes it along.
	patch(l, "--uprobe " + fn("work"));
	l.order(LOAD_REST);
	patch(l, "--detach");
	EXPECT_LE(l.mappings(), mappings + (go() ? 40 : 2));	// Go maps memory as it goes
	EXPECT_GT(l.shared->signals, 0u);
	int status = l.end();
	EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 7) << status;
}

TEST_P(Attach, MoreHooksLater)
{
	Load l(target, d, 3);

	if (go()) {	// all at once: the first one has moved what it begins with
		patch(l, "--uprobe main.work");
		patch(l, "--uretprobe main.more_work");
		for (const char *again : { "--uprobe main.work", "--uretprobe main.work", "--uprobe main.more_work" }) {
			Output o = shell(BPFTIME_BIN_DIR "/bpftime-patch --pid " + std::to_string(l.pid) + " " + again);
			EXPECT_EQ(o.status, 1) << o.text;
			EXPECT_NE(o.text.find("hooked already by an earlier attach"), o.text.npos) << o.text;
		}
		expect_exact(l);
		patch(l, "--detach");
		EXPECT_EQ(l.changed_text(), "");
		return;
	}

	patch(l, "--uprobe work");
	patch(l, "--uprobe more_work");
	patch(l, "--uprobe work");	// over the first one's jump
	usleep(20000);
	l.order(LOAD_REST);
	uint64_t before = calls();
	l.order(LOAD_EXACT);
	EXPECT_EQ(calls() - before, 2 * (uint64_t)l.threads * LOAD_CALLS);
	std::string hooks = tool("bpftime-ctl hooks " + std::to_string(l.pid));
	EXPECT_NE(hooks.find("more_work"), hooks.npos) << hooks;
	tool("bpftime-ctl disable more_work work");
	before = calls();
	l.order(LOAD_EXACT);
	EXPECT_EQ(calls(), before);
	EXPECT_NE(patch(l, "--detach").find("3 sites restored"), std::string::npos);
	EXPECT_EQ(l.changed_text(), "");
	l.order(LOAD_RUN);
	int status = l.end();
	EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 7) << status;
}

// One document, however many modules have hooks.
TEST_F(Json, IsOneDocument)
{
	Load l(std::string(TEST_TARGETS) + "/pie", d, 2);
	std::string patch = "bpftime-patch --json --pid " + std::to_string(l.pid);

	for (const char *plan : {" --plan", ""}) {
		std::string text = tool(patch + plan + " --uprobe work --uprobe malloc --uretprobe _start");
		json_t *j = json_loads(text.c_str(), 0, nullptr), *modules = json_object_get(j, "modules");
		ASSERT_NE(j, nullptr) << text;
		EXPECT_EQ(json_integer_value(json_object_get(j, "schema")), 1);
		EXPECT_EQ(json_integer_value(json_object_get(j, "pid")), l.pid);
		EXPECT_EQ(json_integer_value(json_object_get(j, "patched")), 2);
		EXPECT_EQ(json_integer_value(json_object_get(j, "refused")), 1);
		ASSERT_EQ(json_array_size(modules), 2u) << text;
		json_t *site = json_array_get(json_object_get(json_array_get(modules, 1), "sites"), 0);
		EXPECT_STREQ(json_string_value(json_object_get(site, "tactic")), "jmp");
		json_decref(j);
	}
	std::string text = tool(patch + " --detach");
	json_t *j = json_loads(text.c_str(), 0, nullptr);
	ASSERT_NE(j, nullptr) << text;
	EXPECT_EQ(json_integer_value(json_object_get(j, "sites")), 2);
	json_decref(j);
	// What cannot be done is explained in it.
	Output o = shell("cd " + d + "; " BPFTIME_BIN_DIR "/" + patch + " --uretprobe _start > json; s=$?; cat json; exit $s");
	EXPECT_EQ(o.status, 1);
	EXPECT_NE(live::read_file(d + "/json").find("\"refused\":\""), std::string::npos) << o.text;
}

// Before the first hit there is no control file: the process's memory says what is there.
TEST_F(Json, HooksAreListedBeforeTheFirstHit)
{
	Load l(std::string(TEST_TARGETS) + "/pie", d, 2);
	std::string pid = std::to_string(l.pid), before, after;

	l.order(LOAD_REST);
	tool("bpftime-patch --pid " + pid + " --uprobe work --uprobe malloc");
	before = tool("bpftime-ctl hooks " + pid);
	EXPECT_NE(before.find(" work @0x"), before.npos) << before;
	EXPECT_NE(before.find(" malloc @0x"), before.npos) << before;
	EXPECT_NE(before.find("pid " + pid), before.npos) << before;
	l.order(LOAD_EXACT);
	after = tool("bpftime-ctl hooks " + pid);
	// What the process itself says of the one that was hit is the same, word by word.
	std::istringstream lines(before);
	for (std::string line; std::getline(lines, line);)
		EXPECT_NE(after.find(line), after.npos) << line << "\n" << after;
	tool("bpftime-patch --pid " + pid + " --detach");
	l.order(LOAD_RUN);
}

// Whoever disables a hook before the first hit makes the control file, the same that the process would have made.
TEST_F(Json, HooksAreDisabledBeforeTheFirstHit)
{
	std::string pie = std::string(TEST_TARGETS) + "/pie", own, file;
	// What the process itself writes.
	{
		Load l(pie, d, 2);
		l.order(LOAD_REST);
		tool("bpftime-patch --pid " + std::to_string(l.pid) + " --uprobe work --uprobe main");
		l.order(LOAD_EXACT);
		own = ok("cat " + d + "/maps/.hooks/*");
		file = ok("printf %s " + d + "/maps/.hooks/*");
	}
	ok("rm -rf " + d + "/maps; mkdir " + d + "/2");
	Load l(pie, d, 2), other(pie, d + "/2", 2);	// both will use the one file
	std::string pid = std::to_string(l.pid);
	for (Load *p : { &l, &other }) {
		p->order(LOAD_REST);
		tool("bpftime-patch --pid " + std::to_string(p->pid) + " --uprobe work --uprobe main");
	}
	EXPECT_NE(shell("ls " + d + "/maps").status, 0);
	std::string hooks = tool("bpftime-ctl hooks");
	EXPECT_NE(hooks.find(pid), hooks.npos) << hooks;
	EXPECT_NE(hooks.find(std::to_string(other.pid)), hooks.npos) << hooks;
	EXPECT_EQ(shell(BPFTIME_BIN_DIR "/bpftime-ctl disable nonesuch").status, 1);
	// From another directory it cannot be done, which is said.
	Output o = shell(BPFTIME_BIN_DIR "/bpftime-ctl disable main --dir " + d + "/elsewhere");
	EXPECT_EQ(o.status, 1);
	EXPECT_NE(o.text.find("error[M009]"), o.text.npos) << o.text;
	EXPECT_NE(o.text.find(d + "/maps: --dir"), o.text.npos) << o.text;
	EXPECT_NE(shell("ls " + d + "/elsewhere").status, 0);
	// Nor where something else is in the file's place.
	ok("mkdir -m 700 " + d + "/maps " + d + "/maps/.hooks; : > " + file);
	o = shell(BPFTIME_BIN_DIR "/bpftime-ctl disable work");
	EXPECT_EQ(o.status, 1);
	EXPECT_NE(o.text.find("error[M010]"), o.text.npos) << o.text;
	ok("rm -r " + d + "/maps");

	tool("bpftime-ctl enable work main");
	EXPECT_EQ(ok("cat " + d + "/maps/.hooks/*"), own);
	EXPECT_NE(tool("bpftime-ctl disable work").find(" disabled "), std::string::npos);
	hooks = tool("bpftime-ctl hooks " + pid);
	EXPECT_NE(hooks.find(" disabled  uprobe     work "), hooks.npos) << hooks;
	EXPECT_NE(hooks.find(" enabled   uprobe     main "), hooks.npos) << hooks;
	l.order(LOAD_EXACT);
	other.order(LOAD_EXACT);
	EXPECT_EQ(calls(), 0u);
	tool("bpftime-ctl enable work");
	l.order(LOAD_EXACT);
	EXPECT_EQ(calls(), 2u * LOAD_CALLS);
	tool("bpftime-ctl disable work");
	other.order(LOAD_EXACT);
	EXPECT_EQ(calls(), 2u * LOAD_CALLS);
	tool("bpftime-patch --pid " + pid + " --detach");
	l.order(LOAD_RUN);
}

INSTANTIATE_TEST_SUITE_P(Kinds, Attach, testing::Values("pie", "nopie", "static", "static-pie", "musl",
							"musl-static", "go"),
			 [](const auto &i) {
				 std::string s = i.param;
				 std::replace(s.begin(), s.end(), '-', '_');
				 return s;
			 });

}
