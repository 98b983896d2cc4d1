// SPDX-License-Identifier: MIT
// Values are formatted as bpftool formats them: the same bytes, put into a kernel map
// made from the same object, are dumped by bpftool and compared.
#include <gtest/gtest.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <string.h>
#include <unistd.h>

#include <cstdlib>
#include <random>
#include <string>

#include "btfval.h"

static std::string output_of(const std::string &cmd)
{
	std::string s;
	char buf[4096];
	FILE *p = popen(cmd.c_str(), "r");
	for (size_t n; (n = fread(buf, 1, sizeof(buf), p)) > 0;)
		s.append(buf, n);
	pclose(p);
	return s;
}

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
		return output_of("bpftool -j map dump id " + std::to_string(info.id));
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
