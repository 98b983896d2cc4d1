// SPDX-License-Identifier: MIT
//
// e2e.h - run programs, patch them with the real tools, read the maps back, and ask the
// kernel how often a uprobe at the same place was hit.
#pragma once
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <sstream>
#include <string>

#include "../shell.h"
#include "image.h"

inline bool have(const std::string &tool)
{
	return !shell("command -v " + tool).status;
}

// A folder of its own for each test, removed afterwards.
struct Scratch {
	std::string dir;
	Scratch()
	{
		char t[] = "/tmp/bpftime-e2e-XXXXXX";
		dir = mkdtemp(t);
		chmod(dir.c_str(), 0755);
	}
	~Scratch() { std::filesystem::remove_all(dir); }
	std::string operator/(const std::string &name) const { return dir + "/" + name; }
};

inline const std::string bin = BPFTIME_BIN_DIR "/";

// The first value of an array map of u64, as bpftime-ctl dumps it; -1 when there is none.
inline long map_value(const std::string &dir, const std::string &map)
{
	Output r = shell(bin + "bpftime-ctl dump " + map + " --dir " + dir + " --json");
	std::smatch m;
	static const std::regex value("\"formatted\":\\{\"key\":0,\"value\":([0-9]+)");
	return std::regex_search(r.text, m, value) ? atol(m[1].str().c_str()) : -1;
}

// What a hash map of u64 by u64 holds, as bpftime-ctl dumps it.
inline std::map<uint64_t, uint64_t> hash_table(const std::string &dir, const std::string &map)
{
	std::map<uint64_t, uint64_t> t;
	Output r = shell(bin + "bpftime-ctl dump " + map + " --dir " + dir + " --json");
	static const std::regex pair("\"formatted\":\\{\"key\":([0-9]+),\"value\":([0-9]+)");
	for (std::sregex_iterator i(r.text.begin(), r.text.end(), pair), end; i != end; ++i)
		t[strtoull((*i)[1].str().c_str(), nullptr, 10)] =
			strtoull((*i)[2].str().c_str(), nullptr, 10);
	return t;
}

// Address and file offset of what --uprobe NAME means in a binary: a function it defines,
// or the PLT stub of one it imports.
struct Place {
	uint64_t vaddr = 0, foff = 0;
	bool found = false;
};
inline Place place_of(const std::string &path, const std::string &name)
{
	Place p;
	struct arena *a = arena_new();
	struct diags dg = {};
	struct image *im;
	if (image_read(a, path.c_str(), &im, &dg) == 0) {
		for (size_t i = 0; i < im->n_sym; i++)
			if (name == im->sym[i].name)
				p.vaddr = im->sym[i].vaddr;
		for (size_t i = 0; i < im->n_import && !p.vaddr; i++)
			if (name == im->import[i].name)
				p.vaddr = im->import[i].stub_vaddr;
		p.found = p.vaddr && (p.foff = image_foff(im, p.vaddr)) != UINT64_MAX;
	}
	arena_free(a);
	return p;
}

// Counts hits of a uprobe and a uretprobe at a file offset through tracefs, which needs
// root.  `reason` says why it is not available.
class KernelCount {
	Scratch mnt;
	bool mounted = false;
	std::string group = "bpftime_e2e_" + std::to_string(getpid());

	// One write(2): tracefs takes commands whole.
	bool put(const std::string &file, const std::string &text, bool append = false)
	{
		int fd = open((mnt / file).c_str(), O_WRONLY | (append ? O_APPEND : O_TRUNC));
		bool ok = fd >= 0 && write(fd, text.data(), text.size()) == (ssize_t)text.size();
		close(fd);
		return ok;
	}

      public:
	std::string reason;
	long entries = -1, returns = -1;

	KernelCount()
	{
		if (geteuid())
			reason = "kernel uprobes need root";
		else if (!(mounted = !shell("mount -t tracefs nodev " + mnt.dir).status))
			reason = "tracefs cannot be mounted here";
		else if (access((mnt / "uprobe_events").c_str(), W_OK))
			reason = "this kernel has no uprobe events";
	}
	~KernelCount()
	{
		if (mounted)
			shell("umount " + mnt.dir);
	}
	// Runs cmd with the probes on `path`.  The kernel's return probe replaces the return
	// address, through which no exception can be thrown: leave it out for those.
	bool run(const std::string &path, uint64_t foff, const std::string &cmd, bool ret = true)
	{
		std::ostringstream def;
		def << "p:" << group << "/e " << path << ":0x" << std::hex << foff << "\n";
		if (ret)
			def << "r:" << group << "/r " << path << ":0x" << foff << "\n";
		if (!put("uprobe_events", def.str(), true))
			return false;
		bool ok = put("events/" + group + "/enable", "1");
		if (ok)
			shell(cmd);
		std::ifstream profile(mnt / "uprobe_profile");
		std::string file, event;
		long hits;
		while (profile >> file >> event >> hits)
			if (file == path)	/* other tests have probes too */
				(event == "e" ? entries : returns) = hits;
		profile.close();
		put("events/" + group + "/enable", "0");
		put("uprobe_events", "-:" + group + "/e\n" + (ret ? "-:" + group + "/r\n" : ""), true);
		return ok;
	}
};
