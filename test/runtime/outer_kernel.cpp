// SPDX-License-Identifier: MIT
// Maps of maps: the same random operations on the kernel's and on ours, errno for errno.
#include <gtest/gtest.h>

#include <linux/bpf.h>

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "kernel_map.h"
#include "map_mem.h"

namespace {

// What may be put in: maps like the template, others, and no map at all.
struct Candidate {
	int fd;
	uint32_t id;
	mapfmt_ref ref;
	std::unique_ptr<KernelMap> map;
};

uint32_t id_of(int fd)
{
	bpf_map_info info = {};
	union bpf_attr a;
	memset(&a, 0, sizeof(a));
	a.info.bpf_fd = (uint32_t)fd;
	a.info.info_len = sizeof(info);
	a.info.info = (uint64_t)(uintptr_t)&info;
	return KernelMap::call(BPF_OBJ_GET_INFO_BY_FD, a) ? 0 : info.id;
}

std::vector<Candidate> candidates(const bpftime_map &like)
{
	std::vector<Candidate> all;
	auto add = [&](bpftime_map m) {
		Candidate c = {};
		c.map = std::make_unique<KernelMap>(m);
		c.fd = c.map->fd;
		c.id = id_of(c.fd);
		c.ref = {all.size() + 1, m.type, m.key_size, m.value_size, m.max_entries, m.flags, 0, 0, {}};
		snprintf(c.ref.name, sizeof(c.ref.name), "m%zu", all.size());
		all.push_back(std::move(c));
	};
	bpftime_map m = like;
	add(m);
	add(m);
	add(m);
	m.max_entries++;	// fits where the kind does not count
	add(m);
	m = like, m.value_size += 8;
	add(m);
	m = like, m.type = like.type == MAP_TYPE_hash ? MAP_TYPE_lru_hash : MAP_TYPE_hash, m.flags = 0;
	add(m);
	m = like, m.flags ^= MAP_F_RDONLY_PROG;
	add(m);
	Candidate none = {};
	none.fd = -1;
	all.push_back(std::move(none));
	return all;
}

struct Case {
	const char *name;
	bpftime_map outer, inner;
	uint32_t keys;
};
void PrintTo(const Case &c, std::ostream *o) { *o << c.name; }

const Case cases[] = {
	{"array", map_attrs(MAP_TYPE_array_of_maps, 4, 4, 5), map_attrs(MAP_TYPE_array, 4, 8, 3), 7},
	{"array_of_hashes", map_attrs(MAP_TYPE_array_of_maps, 4, 4, 20), map_attrs(MAP_TYPE_hash, 4, 8, 3), 24},
	{"array_of_inner", map_attrs(MAP_TYPE_array_of_maps, 4, 4, 9),
	 map_attrs(MAP_TYPE_array, 4, 8, 3, MAP_F_INNER_MAP), 10},
	{"hash", map_attrs(MAP_TYPE_hash_of_maps, 8, 4, 30), map_attrs(MAP_TYPE_hash, 4, 8, 3), 40},
	{"hash_full", map_attrs(MAP_TYPE_hash_of_maps, 3, 4, 4, MAP_F_NO_PREALLOC), map_attrs(MAP_TYPE_array, 4, 8, 3), 12},
};

// Index of the candidate that a value names, in each world's own words.
std::map<std::string, int> contents(KernelMap &k, const Case &c, const std::vector<Candidate> &all)
{
	std::map<std::string, int> out;
	std::string at(c.outer.key_size, 0), next = at;
	for (int r = k.next(nullptr, &next[0]); !r; r = k.next(&at[0], &next[0])) {
		uint32_t id = 0;
		at = next;
		int got = k.lookup(&at[0], &id, 0);
		out[at] = got;
		for (size_t i = 0; !got && i < all.size(); i++)
			if (all[i].id == id)
				out[at] = (int)i;
	}
	return out;
}

std::map<std::string, int> contents(MapMem &m, const Case &c)
{
	std::map<std::string, int> out;
	std::string at(c.outer.key_size, 0), next = at;
	for (int r = rt_map_next_key(&m.m, m.base, nullptr, &next[0]); !r;
	     r = rt_map_next_key(&m.m, m.base, &at[0], &next[0])) {
		mapfmt_ref ref = {};
		at = next;
		int got = rt_map_lookup(&m.m, m.base, &at[0], &ref, 0);
		out[at] = got ? got : (int)ref.birth - 1;
	}
	return out;
}

struct OuterDifferential : testing::TestWithParam<Case> {};

}  // namespace

TEST_P(OuterDifferential, EqualsTheKernel)
{
	const Case &c = GetParam();
	auto all = candidates(c.inner);
	if (all[0].fd == -EPERM)
		GTEST_SKIP() << "bpf() is not permitted";
	bpftime_map both[2] = {c.outer, c.inner};
	both[0].inner_rel = (int32_t)((char *)&both[1] - (char *)&both[0].inner_rel);
	KernelMap kernel(c.outer, all[0].fd);
	ASSERT_GE(kernel.fd, 0);
	bpftime_map attrs = c.outer;
	MapMem ours(attrs);
	ASSERT_NE(ours.base, nullptr);
	rt_map_format(&both[0], memset(ours.base, 0, rt_map_size(&c.outer, 1)), 1);	// with its template

	const uint64_t flags[] = {0, 0, 0, 0, 1, 2, 3, 4, 8};
	std::mt19937_64 rnd(5);
	for (int n = 0; n < 1500; n++) {	// the kernel waits for a grace period in each update
		std::string key(c.outer.key_size, 0);
		uint32_t k = (uint32_t)(rnd() % c.keys);
		memcpy(&key[0], &k, key.size() < 4 ? key.size() : 4);
		uint64_t f = flags[rnd() % (sizeof(flags) / sizeof(*flags))];
		const Candidate &in = all[rnd() % all.size()];
		mapfmt_ref ref;
		uint32_t id;
		switch (rnd() % 5) {
		case 0:
			ASSERT_EQ(rt_map_delete(&ours.m, ours.base, &key[0]), kernel.remove(&key[0]));
			break;
		case 1:
			f = rnd() % 8 ? 0 : f;
			ASSERT_EQ(rt_map_lookup(&ours.m, ours.base, &key[0], &ref, f), kernel.lookup(&key[0], &id, f)) << f;
			break;
		case 2:
			ASSERT_EQ(rt_map_take(&ours.m, ours.base, &key[0], &ref, f), kernel.take(&key[0], &id, f)) << f;
			break;
		default:
			ASSERT_EQ(rt_map_update(&ours.m, ours.base, &key[0], &in.ref, f),
				  kernel.update(&key[0], &in.fd, f))
				<< "flags " << f << " map " << &in - &all[0];
		}
		if (n % 199 == 0) {
			ASSERT_EQ(contents(ours, c), contents(kernel, c, all));
		}
	}
	ASSERT_EQ(contents(ours, c), contents(kernel, c, all));
}

INSTANTIATE_TEST_SUITE_P(Maps, OuterDifferential, testing::ValuesIn(cases),
			 [](const auto &i) { return std::string(i.param.name); });
