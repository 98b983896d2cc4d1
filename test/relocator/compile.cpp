// SPDX-License-Identifier: MIT
#include "compile.h"

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <unistd.h>

namespace {

struct Scratch { /* one folder a test process, removed at its end */
	std::string dir;
	int n = 0;
	std::map<std::string, std::string> made;
	Scratch()
	{
		char t[] = "/tmp/bpftime-reloc-XXXXXX";
		dir = mkdtemp(t);
	}
	~Scratch() { (void)!system(("rm -rf " + dir).c_str()); }
};

Scratch &scratch()
{
	static Scratch s;
	return s;
}

std::string compile_path(const std::string &src, const std::string &name, const std::string &flags)
{
	std::string &out = scratch().made[src + "\n" + flags];
	if (!out.empty())
		return out;
	std::string o = scratch().dir + "/" + std::to_string(scratch().n++) + "-" + name + ".bpf.o";
	std::string cmd = "clang-19 -target bpf -g -O2 -fno-crash-diagnostics -Wall "
			  "-Wno-unused-variable -Wno-unused-function "
			  "-D__TARGET_ARCH_x86 -I" BPFTIME_TEST_DIR "/relocator " +
			  flags + " -c " + src + " -o " + o;
	if (!have_clang() || system(cmd.c_str()))
		return "";
	return out = o;
}

}

bool have_clang()
{
	static bool have = !system("clang-19 --version >/dev/null 2>&1");
	return have;
}

std::string compile_bpf(const std::string &name, const std::string &flags)
{
	return compile_path(BPFTIME_TEST_DIR "/relocator/" + name + ".bpf.c", name, flags);
}

std::string compile_text(const std::string &text, const std::string &flags)
{
	std::string src = scratch().dir + "/" + std::to_string(scratch().n++) + ".bpf.c";
	std::ofstream(src) << text;
	return compile_path(src, "text", flags);
}

Relocated::Relocated(const std::string &path, const struct relocate_opts *opts)
{
	char *buf = nullptr;
	size_t n = 0;
	dg.out = open_memstream(&buf, &n);
	err = relocate(path.c_str(), opts, &u, &dg);
	fclose(dg.out);
	dg.out = nullptr;
	text.assign(buf, n);
	free(buf);
}

const struct unit_prog *Relocated::prog(const std::string &name) const
{
	for (size_t i = 0; i < u->n_prog; i++)
		if (u->prog[i].name == name)
			return &u->prog[i];
	return nullptr;
}

const struct unit_map *Relocated::map(const std::string &name) const
{
	for (size_t i = 0; i < u->n_map; i++)
		if (u->map[i].name == name)
			return &u->map[i];
	return nullptr;
}

uint64_t Relocated::data(const std::string &map_name, size_t off, size_t bytes) const
{
	const struct unit_map *m = map(map_name);
	uint64_t v = 0;
	if (!m || off + bytes > m->init.n || bytes > 8)
		return ~0ull;
	memcpy(&v, m->init.p + off, bytes);
	return v;
}
