// SPDX-License-Identifier: MIT
// System call tracepoints: programs behave as before, and every call is counted that strace
// sees, in static programs of two libraries and in a copy of libc.
#include "../tools.h"

#include <jansson.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

namespace {

using Counts = std::map<std::string, uint64_t>;

// strace's names, by number.
const std::map<int, std::string> &names()
{
	static const std::map<int, std::string> m = {
#define SYSCALL(nr_, name_) { nr_, #name_ },
#include "syscalls_x86_64.def"
	};
	return m;
}

std::string tracepoint_name(const std::string &strace)
{
	static const std::map<std::string, std::string> m = {
		{ "stat", "newstat" }, { "fstat", "newfstat" }, { "lstat", "newlstat" },
		{ "uname", "newuname" }, { "sendfile", "sendfile64" }, { "umount2", "umount" } };
	auto i = m.find(strace);
	return i == m.end() ? strace : i->second;
}

struct Syscalls : ToolTest {
	std::string patched(const std::string &bin, const std::string &bpf, const std::string &out,
			    const std::string &more = "")
	{
		tool("bpftime-aot compile " + bpf + " -o " + d + "/p.hook.o");
		tool("bpftime-patch --binary " + bin + " " + d + "/p.hook.o -o " + d + "/" + out + " " + more);
		return d + "/" + out;
	}
	std::map<uint32_t, uint64_t> array(const std::string &map)
	{
		std::map<uint32_t, uint64_t> r;
		json_error_t err;
		json_t *e, *all = json_loads(tool("bpftime-ctl dump count/" + map + " --json").c_str(), 0, &err);
		size_t i;
		EXPECT_NE(all, nullptr) << err.text;
		json_array_foreach(all, i, e) {
			uint64_t v = 0;
			json_t *b, *bytes = json_object_get(e, "value");
			size_t k;
			json_array_foreach(bytes, k, b)
				v |= (uint64_t)strtoul(json_string_value(b), nullptr, 16) << 8 * k;
			if (v)
				r[(uint32_t)i] = v;
		}
		json_decref(all);
		return r;
	}
	Counts counted(const std::string &map)
	{
		Counts r;
		for (auto &e : array(map))
			r[names().count((int)e.first) ? names().at((int)e.first) : "?"] = e.second;
		return r;
	}
	// What a program says of itself: "name number" pairs.
	static std::map<std::string, uint64_t> said(const std::string &text)
	{
		std::map<std::string, uint64_t> r;
		std::istringstream in(text);
		std::string name;
		for (uint64_t n; in >> name >> n;)
			r[name] = n;
		return r;
	}
	// The children of clones.c found their stacks, and each call of theirs was seen where it
	// goes in and out.  cloned: clone() calls whose number the code tells; their exits are the parent's.
	void expect_clones(const std::string &text, uint64_t cloned)
	{
		auto say = said(text);
		Counts in = counted("entered"), out = counted("left");
		EXPECT_EQ(say["wrong"], 0u) << text;
		EXPECT_EQ(in["getppid"], say["calls"]);
		EXPECT_EQ(out["getppid"], say["calls"]);
		EXPECT_EQ(in["clone"], say["raw"] + say["any"] + say["libc"]);
		EXPECT_EQ(out["clone"], cloned);
		EXPECT_EQ(in["vfork"], say["vfork"]);
		EXPECT_EQ(out["vfork"], say["vfork"]);
		EXPECT_EQ(in["clone3"], say["clone3"] + say["any_clone3"]);
		EXPECT_EQ(out["clone3"], say["clone3"]);
		EXPECT_EQ(counted("raw_entered"), in);
		EXPECT_EQ(counted("raw_left"), out);
	}
	// What strace sees of a command; the dynamic linker's own calls, made from around the
	// address of the first one, and execve, which brought us here, are not counted.
	Counts traced(const std::string &cmd, bool dynamic, const std::string &more = "")
	{
		std::string file = d + "/trace", line;
		Counts r;
		uint64_t linker = 0;
		ok("strace -i " + more + " -o " + file + " " + cmd + " > /dev/null");
		std::ifstream in(file);
		while (std::getline(in, line)) {
			char name[64];
			unsigned long long ip;
			const char *call = strchr(line.c_str(), '[');	// behind the pid, of -f
			if (!call || sscanf(call, "[%llx] %63[a-z0-9_](", &ip, name) != 2 || !strcmp(name, "execve"))
				continue;
			if (dynamic && !linker)
				linker = ip;
			if (dynamic && ip - linker + 0x40000 < 0x80000)
				continue;
			r[tracepoint_name(name)]++;
		}
		return r;
	}
	bool has_strace()
	{
		return shell("strace -o /dev/null true").status == 0;
	}
};

void expect_same(Counts got, const Counts &want)
{
	for (auto &w : want)
		EXPECT_EQ(got[w.first], w.second) << w.first;
	EXPECT_EQ(got.size(), want.size());
}

TEST_F(Syscalls, ProcessesThreadsAndSignalsGoOnAsBefore)
{
	for (const char *kind : { "static", "musl" }) {
		std::string bin = std::string(SYSCALLS_DIR "/syscalls_") + kind;
		SCOPED_TRACE(kind);
		if (access(bin.c_str(), X_OK))
			continue;
		shell("rm -rf " + d + "/maps");
		std::string p = patched(bin, SYSCALLS_DIR "/count.bpf.o", kind);
		EXPECT_EQ(ok("timeout 60 " + p), ok(bin));
		auto seen = array("seen");
		EXPECT_EQ(seen[0], 10ull * 0x3ffffff0);	// kill: pid, signal, cookie, ESRCH
		EXPECT_EQ(seen[1], 0u);
		EXPECT_EQ(seen[3], 10u * 3);
		EXPECT_EQ(seen[4], 1u);
		EXPECT_EQ(seen[5], 0x1000u);
		EXPECT_EQ(seen[7], 3u);
		EXPECT_EQ(seen[8], 0x22u);
		EXPECT_EQ(seen[9], 0x6600000077u);
		EXPECT_EQ(seen[10], 0x5000u);
		EXPECT_EQ(counted("raw_entered"), counted("entered"));
		EXPECT_EQ(counted("raw_left"), counted("left"));
	}
}

// clone() by the instruction and by the libc: the child returns on a stack of its own, as a
// process or a thread, or ends on its parent's.
TEST_F(Syscalls, ClonesGoOnWithStacksOfTheirOwn)
{
	for (const char *kind : { "static", "musl" }) {
		std::string bin = std::string(SYSCALLS_DIR "/clones_") + kind;
		SCOPED_TRACE(kind);
		if (access(bin.c_str(), X_OK))
			continue;
		shell("rm -rf " + d + "/maps");
		std::string plain = ok(bin), p = patched(bin, SYSCALLS_DIR "/count.bpf.o", kind);
		std::string text = ok("timeout 60 " + p);
		auto say = said(text);
		EXPECT_EQ(text, plain);
		// musl's clone() sets its number in two steps
		expect_clones(text, say["raw"] + (strcmp(kind, "musl") ? say["libc"] : 0));
	}
}

TEST_F(Syscalls, ClonesAreCountedAsByStrace)
{
	if (!has_strace())
		GTEST_SKIP() << "strace cannot trace here";
	std::string bin = SYSCALLS_DIR "/clones_static";
	ok(patched(bin, SYSCALLS_DIR "/count.bpf.o", "clones") + " > /dev/null");
	Counts in = counted("entered"), want = traced(bin, false, "-f");
	for (const char *chance : { "futex", "wait4" }) {	// a thread ended already; a signal that strace stops for
		in.erase(chance);
		want.erase(chance);
	}
	expect_same(in, want);
}

// In memory, where threads may wait in a call while its place is written, a trampoline has one more copy
// of the call.
TEST_F(Syscalls, ClonesOfARunningProgramGoOnToo)
{
	std::string bin = SYSCALLS_DIR "/clones_static", run = BPFTIME_BIN_DIR "/bpftime-patch run " + d + "/p.hook.o -- ";
	tool("bpftime-aot compile " SYSCALLS_DIR "/count.bpf.o -o " + d + "/p.hook.o");
	if (shell(run + "/usr/bin/true").text.find("P301") != std::string::npos)
		GTEST_SKIP() << "processes cannot be traced here";
	shell("rm -rf " + d + "/maps");
	std::string text = ok(run + bin + " 2> " + d + "/err");	// where it says what is not hooked
	auto say = said(text);
	expect_clones(text, say["raw"] + say["libc"]);
}

TEST_F(Syscalls, StaticProgramIsCountedAsByStrace)
{
	if (!has_strace())
		GTEST_SKIP() << "strace cannot trace here";
	std::string busybox = "/usr/bin/busybox";
	if (ok("file -L " + busybox + " || true").find("statically") == std::string::npos)
		GTEST_SKIP() << "no static busybox";
	std::string p = patched(busybox, SYSCALLS_DIR "/count.bpf.o", "busybox");
	ok(p + " ls -l /usr/bin > /dev/null");
	Counts in = counted("entered"), out = counted("left");
	expect_same(in, traced(busybox + " ls -l /usr/bin", false));
	in.erase("exit_group");
	EXPECT_EQ(in, out);
}

TEST_F(Syscalls, CopyOfLibcIsCountedAsByStrace)
{
	const std::string libc = "/lib/x86_64-linux-gnu/libc.so.6";
	if (!has_strace() || access(libc.c_str(), R_OK))
		GTEST_SKIP() << "strace cannot trace here, or no libc";
	patched(libc, SYSCALLS_DIR "/count.bpf.o", "libc.so.6", "--map-dir " + d + "/maps");
	for (const char *cmd : { "/bin/ls -lR /etc/apt", "/usr/bin/python3.11 -I -S -c 'import json, os; os.listdir(\"/etc\")'",
				 "/usr/sbin/nginx -V" }) {
		SCOPED_TRACE(cmd);
		if (shell(std::string("test -x ") + cmd + " 2>/dev/null || test -x $(set -- " + cmd + "; echo $1)").status)
			continue;
		shell("rm -rf " + d + "/maps");
		ok("LD_LIBRARY_PATH=" + d + " " + cmd + " > /dev/null");
		expect_same(counted("entered"), traced(cmd, true));
	}
	shell("rm -rf " + d + "/maps");
	EXPECT_EQ(ok("LD_LIBRARY_PATH=" + d + " " SYSCALLS_DIR "/syscalls_dynamic"),
		  ok(SYSCALLS_DIR "/syscalls_dynamic"));
}

TEST_F(Syscalls, WhatCannotBeDoneSaysWhy)
{
	std::string patch = BPFTIME_BIN_DIR "/bpftime-patch --plan --binary ";
	Output o = shell(patch + "/bin/ls --tracepoint syscalls:sys_enter_openat");
	EXPECT_EQ(o.status, 1);
	EXPECT_NE(o.text.find("error[P205]"), std::string::npos) << o.text;
	EXPECT_NE(o.text.find("libc.so.6"), std::string::npos) << o.text;
	EXPECT_EQ(shell(patch + "/bin/ls --tracepoint syscalls:sys_enter_nonesuch").status, 2);
	EXPECT_EQ(shell(patch + "/bin/ls --tracepoint sched:sched_switch").status, 2);
	std::string bin = SYSCALLS_DIR "/syscalls_static";
	o = shell(patch + bin + " --json --tracepoint raw_syscalls:sys_enter");
	EXPECT_EQ(o.status, 0);
	EXPECT_NE(o.text.find("the return from a signal handler"), std::string::npos);
	EXPECT_NE(o.text.find("\"kind\":\"syscall\""), std::string::npos) << o.text.substr(0, 400);
	std::string musl = SYSCALLS_DIR "/syscalls_musl";
	if (!access(musl.c_str(), X_OK)) {
		o = shell(patch + musl + " --json --tracepoint raw_syscalls:sys_enter");
		EXPECT_NE(o.text.find("a cancellation point"), std::string::npos);
		EXPECT_NE(o.text.find("made without a stack"), std::string::npos);
	}
	o = shell(BPFTIME_BIN_DIR "/bpftime-aot compile " SYSCALLS_DIR "/beyond.bpf.o -o " + d + "/b.o");
	EXPECT_EQ(o.status, 1);
	EXPECT_NE(o.text.find("error[C009]"), std::string::npos) << o.text;
}

// Only the sites that make the call, or may.
TEST_F(Syscalls, OpensnoopSaysWhatWasOpened)
{
	std::string bin = SYSCALLS_DIR "/syscalls_static", busybox = "/usr/bin/busybox";
	if (access(busybox.c_str(), X_OK))
		GTEST_SKIP() << "no busybox";
	std::string p = patched(busybox, SAMPLES_DIR "/opensnoop.bpf.o", "busybox");
	ok("echo hello > " + d + "/file");
	EXPECT_EQ(shell(p + " cat " + d + "/file " + d + "/missing").status, 1);
	std::string text = tool("bpftime-ctl events opensnoop/opens --type 'struct open' --no-wait");
	EXPECT_NE(text.find(d + "/file"), std::string::npos) << text;
	EXPECT_NE(text.find(d + "/missing"), std::string::npos) << text;
	EXPECT_NE(text.find("-2"), std::string::npos) << text;
	std::string all = tool("bpftime-patch --plan --binary " + busybox + " --tracepoint raw_syscalls:sys_enter");
	std::string some = tool("bpftime-patch --plan --binary " + busybox + " --tracepoint syscalls:sys_enter_openat");
	EXPECT_LT(some.size() * 3, all.size());
	tool("bpftime-patch --revert " + p);
	ok("cmp " + p + " " + busybox);
}

}
