// SPDX-License-Identifier: MIT
// Values are formatted as bpftool formats them: the same bytes, put into a kernel map
// made from the same object, are dumped by bpftool and compared.
#include <gtest/gtest.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <random>
#include <string>

#include "../shell.h"
#include "btfval.h"
#include "mapfmt.h"
#include "rt_maps.h"

struct Bpftool : testing::Test {
	struct bpf_object *obj = nullptr;
	struct btf *btf = nullptr;	// libbpf's own copy, with the data sections filled in

	void SetUp() override
	{
		libbpf_set_print(nullptr);
		if (system("command -v bpftool >/dev/null 2>&1"))
			GTEST_SKIP() << "bpftool is not installed";
		obj = bpf_object__open_file(RICH_OBJECT, nullptr);
		ASSERT_NE(obj, nullptr);
		if (bpf_object__load(obj))
			GTEST_SKIP() << "this process may not load BPF programs into the kernel";
		btf = bpf_object__btf(obj);
		ASSERT_NE(btf, nullptr);
	}
	void TearDown() override
	{
		bpf_object__close(obj);
	}
	struct bpf_map *map(const char *name) { return bpf_object__find_map_by_name(obj, name); }

	static std::string dump(struct bpf_map *m)
	{
		struct bpf_map_info info = {};
		uint32_t len = sizeof(info);
		EXPECT_EQ(bpf_obj_get_info_by_fd(bpf_map__fd(m), &info, &len), 0);
		return stdout_of("bpftool -j map dump id " + std::to_string(info.id)).text;
	}
	// What bpftool calls "formatted", of the only element.
	static std::string formatted(struct bpf_map *m)
	{
		std::string s = dump(m), mark = "\"formatted\":";
		size_t at = s.find(mark);
		return at == s.npos ? s : s.substr(at + mark.size(), s.rfind("}]") - at - mark.size());
	}
	std::string ours(struct bpf_map *m, const void *k, const void *v, size_t value_bytes)
	{
		char *buf = nullptr;
		size_t n = 0;
		FILE *f = open_memstream(&buf, &n);
		struct json j = json_on(f);
		json_open(&j, nullptr, '{');
		if (k)
			btfval_json(&j, "key", btf, bpf_map__btf_key_type_id(m), k,
				    bpf_map__key_size(m), BTFVAL_BPFTOOL);
		btfval_json(&j, "value", btf, bpf_map__btf_value_type_id(m), v, value_bytes,
			    BTFVAL_BPFTOOL);
		json_close(&j, '}');
		fclose(f);
		std::string s(buf, n - 1);	// without the end of line
		free(buf);
		return s;
	}
};

// Makes a map file with what is in the kernel's map, and lets bpftime-ctl dump it.
struct BpftoolDump : Bpftool {
	char dir[32] = "/tmp/bpftime-dump-XXXXXX";

	void SetUp() override
	{
		Bpftool::SetUp();
		ASSERT_NE(mkdtemp(dir), nullptr);
	}
	void TearDown() override
	{
		(void)!system(("rm -rf " + std::string(dir)).c_str());
		Bpftool::TearDown();
	}
	void put(const std::string &name, const void *p, size_t n)
	{
		FILE *f = fopen((std::string(dir) + "/rich-00112233/" + name).c_str(), "w");
		ASSERT_NE(f, nullptr);
		fwrite(p, 1, n, f);
		fclose(f);
	}
	// Both dumps, without white space at the end.
	void compare(const char *name)
	{
		struct bpf_map *k = map(name);
		int fd = bpf_map__fd(k);
		uint32_t cpus = libbpf_num_possible_cpus(), n_btf;
		uint8_t stamp[8] = {};
		struct bpftime_map m = {};
		m.type = bpf_map__type(k);
		m.key_size = bpf_map__key_size(k);
		m.value_size = bpf_map__value_size(k);
		m.max_entries = bpf_map__max_entries(k);
		m.flags = bpf_map__map_flags(k);
		m.key_btf_id = bpf_map__btf_key_type_id(k);
		m.value_btf_id = bpf_map__btf_value_type_id(k);
		size_t bytes = MAPFMT_HEADER_BYTES + rt_map_size(&m, cpus);
		char *p = (char *)aligned_alloc(4096, bytes), *base = p + MAPFMT_HEADER_BYTES;
		memset(p, 0, bytes);
		rt_map_header((struct mapfmt_header *)p, &m, cpus, name, "rich", stamp);
		((struct mapfmt_header *)p)->state = MAPFMT_READY;
		rt_map_format(&m, base, cpus);
		std::string key(m.key_size, 0), value(rt_map_value_bytes(&m, cpus), 0);
		bool first = true;
		while (!bpf_map_get_next_key(fd, first ? nullptr : &key[0], &key[0])) {
			first = false;
			ASSERT_EQ(bpf_map_lookup_elem(fd, &key[0], &value[0]), 0);
			ASSERT_EQ(rt_map_update(&m, base, &key[0], &value[0], 0), 0);
		}
		ASSERT_EQ(mkdir((std::string(dir) + "/rich-00112233").c_str(), 0700), 0);
		put("m", p, bytes);
		const void *raw = btf__raw_data(btf, &n_btf);
		put(".btf", raw, n_btf);
		free(p);
		std::string want = dump(k), got = stdout_of(std::string(BPFTIME_BIN_DIR) +
							    "/bpftime-ctl dump m --json --dir " + dir).text;
		want.erase(want.find_last_not_of("\n") + 1);
		got.erase(got.find_last_not_of("\n") + 1);
		EXPECT_EQ(got, want);
	}
};

TEST_F(BpftoolDump, Array)
{
	for (uint32_t i = 0; i < 3; i++) {
		uint64_t v = i * 0x123456789abcdefull;
		ASSERT_EQ(bpf_map_update_elem(bpf_map__fd(map("plain")), &i, &v, 0), 0);
	}
	compare("plain");
}

TEST_F(BpftoolDump, PerCpuArray)
{
	int fd = bpf_map__fd(map("percpu")), cpus = libbpf_num_possible_cpus();
	for (uint32_t i = 0; i < 2; i++) {
		std::string v(8 * cpus, 0);
		for (size_t k = 0; k < v.size(); k++)
			v[k] = k % 8 == 3 ? k / 8 % 2 : k % 8 < 4 ? (char)(k * 37 + i) : 0;
		ASSERT_EQ(bpf_map_update_elem(fd, &i, v.data(), 0), 0);
	}
	compare("percpu");
}

// One entry: order differs.
TEST_F(BpftoolDump, HashOfStructs)
{
	std::string k("\x01\x02\0\0abc", 8), v(bpf_map__value_size(map("rich")), '\x11');
	ASSERT_EQ(bpf_map_update_elem(bpf_map__fd(map("rich")), k.data(), v.data(), 0), 0);
	compare("rich");
}

TEST_F(BpftoolDump, HashWithoutTypes)
{
	std::string k("\x01\xff\0\x80", 4), v("GET / ", 6);
	ASSERT_EQ(bpf_map_update_elem(bpf_map__fd(map("untyped")), k.data(), v.data(), 0), 0);
	compare("untyped");
}

TEST_F(BpftoolDump, EmptyHash)
{
	compare("rich");
}

TEST_F(BpftoolDump, GlobalData)
{
	compare("rich.data");
}

TEST_F(Bpftool, RandomStructsAgree)
{
	struct bpf_map *m = map("rich");
	std::mt19937 rng(1);
	size_t ks = bpf_map__key_size(m), vs = bpf_map__value_size(m);
	for (int i = 0; i < 40; i++) {
		std::string k(ks, 0), v(vs, 0);
		for (char &c : k)	// no backslash: bpftool 7.1 writes it as \n
			c = i % 3 ? rng() % 2 * (rng() % 60 + 32) : rng();
		for (char &c : v)
			c = i % 2 ? rng() : rng() % 3 * (rng() % 4 ? 1 : 50);
		ASSERT_EQ(bpf_map_update_elem(bpf_map__fd(m), k.data(), v.data(), 0), 0);
		EXPECT_EQ(ours(m, k.data(), v.data(), vs), formatted(m));
		ASSERT_EQ(bpf_map_delete_elem(bpf_map__fd(m), k.data()), 0);
	}
}

TEST_F(Bpftool, GlobalDataAgrees)
{
	struct bpf_map *m = map("rich.data");
	ASSERT_NE(m, nullptr);
	uint32_t zero = 0;
	std::string v(bpf_map__value_size(m), 0);
	ASSERT_EQ(bpf_map_lookup_elem(bpf_map__fd(m), &zero, v.data()), 0);
	EXPECT_EQ(ours(m, nullptr, v.data(), v.size()), formatted(m));
}
