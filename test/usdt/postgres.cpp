// SPDX-License-Identifier: MIT
// A database server's own probes fire with the arguments that the kernel sees at the same
// probes.
#include "../tools.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <cstring>
#include <map>
#include <vector>

namespace {

const char *const server = "/usr/lib/postgresql/15/bin/postgres";
struct Seen {
	uint64_t probe;
	int64_t arg[8];
	char text[64];
};

struct Postgres : ToolTest {
	std::string as;	// it does not run as root

	void make_cluster()
	{
		if (!geteuid())
			as = "setpriv --reuid=postgres --regid=postgres --clear-groups env HOME=" + d + " ";
		ok("chmod 755 " + d + "; mkdir " + d + "/maps " + d + "/run; " +
		   (as.empty() ? "" : "chown postgres " + d + "/maps " + d + "/run; ") + "chmod 700 " + d + "/maps");
		ok(as + "/usr/lib/postgresql/15/bin/initdb -N -D " + d + "/run/origin -A trust -U postgres > /dev/null");
	}
	// The same statements on the same data, alone.
	void run(const std::string &program)
	{
		ok("cd " + d + "/run; rm -rf data; cp -a origin data");
		ok("printf 'create table t(a int, b text)\\n"
		   "insert into t select i*7919%%1000, i::text from generate_series(1,3000) i\\n"
		   "create index on t(a)\\nselect a, count(*) from t group by a order by 2 desc, 1 limit 3\\n"
		   "select sum(a) from t where b > 5::text\\nrollback\\n' | " +
		   as + program + " --single -D " + d + "/run/data -c autovacuum=off -c shared_buffers=1024 postgres > " + d + "/out.txt");
		EXPECT_NE(shell("cat " + d + "/out.txt").text.find("sum = "), std::string::npos);
	}
};

TEST_F(Postgres, ProbesSayWhatTheKernelSees)
{
	if (access(server, X_OK))
		GTEST_SKIP() << "postgresql-15 is not installed";
	make_cluster();
	const std::string own = d + "/own-postgres", patched = d + "/postgres";
	std::map<std::string, uint64_t> here, kernel;
	tool("bpftime-aot compile " USDT_DIR "/postgres.bpf.o -o " + d + "/p.hook.o");
	tool(std::string("bpftime-patch --binary ") + server + " " + d + "/p.hook.o -o " + patched);
	run(patched);
	json_error_t err;
	json_t *e, *all = json_loads(ok(as + BPFTIME_BIN_DIR "/bpftime-ctl dump seen --json").c_str(), 0, &err);
	size_t i;
	json_array_foreach(all, i, e) {
		uint64_t n;
		memcpy(&n, bytes_of(json_object_get(e, "value")).data(), 8);
		here[bytes_of(json_object_get(e, "key"))] = n;
	}
	json_decref(all);

	libbpf_set_print(nullptr);
	struct bpf_object *obj = bpf_object__open_file(USDT_DIR "/postgres.bpf.o", nullptr);
	struct bpf_program *p;
	std::vector<struct bpf_link *> links;
	ASSERT_NE(obj, nullptr);
	bpf_object__for_each_program(p, obj)
		bpf_program__set_autoattach(p, false);
	if (bpf_object__load(obj)) {
		bpf_object__close(obj);
		GTEST_SKIP() << "this process may not load BPF programs into the kernel";
	}
	ok(std::string("cp ") + server + " " + own);
	bpf_object__for_each_program(p, obj) {
		std::string sec = bpf_program__section_name(p);
		if (!strcmp(bpf_program__name(p), "buffer__sync__done"))
			continue;	// libbpf does not know symbols
		links.push_back(bpf_program__attach_usdt(p, -1, own.c_str(), "postgresql",
							 sec.substr(sec.rfind(':') + 1).c_str(), nullptr));
		EXPECT_NE(links.back(), nullptr) << sec;
	}
	run(own);
	struct bpf_map *m = bpf_object__find_map_by_name(obj, "seen");
	Seen key;
	for (Seen *prev = nullptr; !bpf_map__get_next_key(m, prev, &key, sizeof(key)); prev = &key) {
		uint64_t n;
		if (!bpf_map__lookup_elem(m, &key, sizeof(key), &n, sizeof(n), 0))
			kernel[std::string((const char *)&key, sizeof(key))] = n;
	}
	for (struct bpf_link *l : links)
		bpf_link__destroy(l);
	bpf_object__close(obj);

	auto text = [](const std::string &k) {
		Seen s;
		memcpy(&s, k.data(), sizeof(s));
		std::string t = "probe " + std::to_string(s.probe) + " " + s.text;
		for (int64_t a : s.arg)
			t += " " + std::to_string(a);
		return t;
	};
	std::map<uint64_t, int> probes;
	for (auto &k : kernel) {
		EXPECT_EQ(here[k.first], k.second) << text(k.first);
		Seen s;
		memcpy(&s, k.first.data(), sizeof(s));
		probes[s.probe]++;
	}
	for (uint64_t n = 1; n <= 10; n++)
		EXPECT_GT(probes[n], 0) << "probe " << n;
	size_t only_here = 0;
	for (auto &k : here) {
		Seen s;
		memcpy(&s, k.first.data(), sizeof(s));
		only_here += s.probe == 11;
		if (s.probe == 11)	// NBuffers(%rip)
			EXPECT_EQ(s.arg[0], 1024);
	}
	EXPECT_GT(only_here, 0u);
	EXPECT_EQ(here.size() - only_here, kernel.size());
}

}
