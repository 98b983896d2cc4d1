// SPDX-License-Identifier: MIT
// Every sample verifies: each program of each object, as `bpftime-aot verify` does it.  A program
// of samples/embed calls a function of the process that embeds it; `bpftime-aot` knows none, so
// it is verified where it is registered, by the vm.
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "relocator.h"
#include "verify.h"
#include "vm.h"

namespace {

// The functions that hosts of samples register, as they do it.
const struct {
	const char *sample, *name;
	struct vm_proto proto;
} hosts[] = {
	{"embed", "report", {RET_VOID, {ARG_MEM, ARG_SIZE}}},
};

uint64_t nothing() { return 0; }

void verified_by_vm(const std::string &path, const char *prog, size_t host)
{
	struct vm *vm = vm_new();
	const void *object;
	size_t bytes;
	EXPECT_EQ(vm_register(vm, 1000, hosts[host].name, (void *)nothing, &hosts[host].proto), 0);
	EXPECT_EQ(vm_load_elf(vm, path.c_str(), prog, 0), 0) << vm_error(vm);
	EXPECT_EQ(vm_emit(vm, &object, &bytes), 0) << path << ": " << vm_error(vm);
	vm_free(vm);
}

}

TEST(Samples, EachVerifies)
{
	std::set<std::string> folders, seen;
	for (auto &e : std::filesystem::directory_iterator(BPFTIME_SOURCE_DIR "/samples"))
		if (std::filesystem::exists(e.path() / (e.path().filename().string() + ".bpf.c")))
			folders.insert(e.path().filename());
	for (auto &name : folders) {
		std::string path = BPFTIME_SAMPLES_DIR "/" + name + ".bpf.o";
		struct relocate_opts ro = {};
		struct unit *u = nullptr;
		struct diags dg = {};
		ASSERT_EQ(relocate(path.c_str(), &ro, &u, &dg), 0) << path << ": " << dg.first_text;
		for (size_t i = 0; i < u->n_prog; i++) {
			struct arena *a = arena_new();
			struct vfy_result res;
			size_t host = 0;
			while (host < std::size(hosts) && hosts[host].sample != name)
				host++;
			if (host < std::size(hosts))
				verified_by_vm(path, u->prog[i].name, host);
			else
				EXPECT_EQ(vfy_verify(a, u, &u->prog[i], nullptr, &res, &dg), 0)
					<< path << ": " << u->prog[i].name << ": " << dg.first_text;
			arena_free(a);
			seen.insert(name);
		}
		unit_free(u);
	}
	EXPECT_EQ(seen, folders);
	EXPECT_GE(seen.size(), 9u);
}
