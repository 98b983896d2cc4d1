// SPDX-License-Identifier: MIT
// Helpers on maps, and those that read memory, asked the same as the kernel's own from a program; and no
// helper is left out without a reason.
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mman.h>

#include <fstream>
#include <map>
#include <random>
#include <sstream>

#include "helpers.h"
#include "kernel_helper.h"
#include "kernel_map.h"
#include "map_mem.h"
#include "rt_helpers.h"

extern "C" __attribute__((visibility("hidden"))) uint32_t bpftime_rt1_cpus;

namespace {

using K = KernelHelper;
enum { KEY = 128, VALUE = 256, OUT = 1024 };	// where in the program's memory

struct MapsAsInTheKernel : testing::TestWithParam<uint32_t> {
	K k;
	std::mt19937_64 rnd{5};
	cpu_set_t was;
	uint32_t cpus_was = bpftime_rt1_cpus;

	void SetUp() override
	{
		uint64_t r0;
		if (!k.call(HELPER_get_smp_processor_id, {}, &r0) && k.error == EPERM)
			GTEST_SKIP() << "bpf() is not permitted";
		ASSERT_EQ(k.error, 0) << k.log;
		cpu_set_t one;
		sched_getaffinity(0, sizeof(was), &was);
		CPU_ZERO(&one);
		CPU_SET((int)r0, &one);
		sched_setaffinity(0, sizeof(one), &one);
		bpftime_rt1_cpus = rt_cpu_possible();
	}
	void TearDown() override
	{
		sched_setaffinity(0, sizeof(was), &was);
		bpftime_rt1_cpus = cpus_was;
	}
	int64_t ask(int id, const std::vector<K::Arg> &args)
	{
		uint64_t r0 = 0;
		EXPECT_TRUE(k.call(id, args, &r0)) << k.error << "\n" << k.log;
		return (int64_t)r0;
	}
	static int rounds(int n)
	{
		const char *ops = getenv("BPFTIME_OPS");
		return ops ? std::max(n, atoi(ops) / 100) : n;
	}
};

}  // namespace

TEST_P(MapsAsInTheKernel, LookupUpdateDelete)
{
	const uint32_t type = GetParam();
	bool array = type == MAP_TYPE_array || type == MAP_TYPE_percpu_array;
	auto m = map_attrs(type, 4, 16, 5);
	KernelMap theirs(m);
	ASSERT_GE(theirs.fd, 0);
	MapMem ours(m, rt_cpu_possible());
	const uint64_t flags[] = {0, 0, 0, 1, 2, 3, 4, 8, 1ull << 33};

	for (int i = 0; i < rounds(200); i++) {
		uint32_t key = rnd() % (array ? 7 : 9), cpu = rnd() % (bpftime_rt1_cpus + 2);
		uint64_t v[2] = {rnd(), rnd()}, f = flags[rnd() % 9];
		memcpy(k.mem + KEY, &key, 4);
		memcpy(k.mem + VALUE, v, 16);
		auto map = K::map(theirs.fd), at = K::at(KEY);
		switch (rnd() % 4) {
		case 0:
			ASSERT_EQ(!bpftime_h_map_lookup_elem(&m, ours.base, &key), !ask(HELPER_map_lookup_elem, {map, at}));
			break;
		case 1:
			if (type == MAP_TYPE_percpu_array || type == MAP_TYPE_percpu_hash) {
				ASSERT_EQ(!bpftime_h_map_lookup_percpu_elem(&m, ours.base, &key, cpu),
					  !ask(HELPER_map_lookup_percpu_elem, {map, at, K::number(cpu)}));
				break;
			}
			// fallthrough
		case 2:
			ASSERT_EQ((int64_t)bpftime_h_map_update_elem(&m, ours.base, &key, v, f),
				  ask(HELPER_map_update_elem, {map, at, K::at(VALUE), K::number(f)})) << f;
			break;
		default:
			ASSERT_EQ((int64_t)bpftime_h_map_delete_elem(&m, ours.base, &key),
				  ask(HELPER_map_delete_elem, {map, at}));
		}
		uint64_t a[128] = {}, b[128] = {};
		ASSERT_EQ(rt_map_lookup(&m, ours.base, &key, a, 0), theirs.lookup(&key, b, 0));
		ASSERT_EQ(memcmp(a, b, sizeof(a)), 0);
	}
}
INSTANTIATE_TEST_SUITE_P(Kinds, MapsAsInTheKernel,
			 testing::Values(MAP_TYPE_array, MAP_TYPE_percpu_array, MAP_TYPE_hash,
					 MAP_TYPE_percpu_hash));

using OthersAsInTheKernel = MapsAsInTheKernel;
INSTANTIATE_TEST_SUITE_P(All, OthersAsInTheKernel, testing::Values(0));

TEST_P(OthersAsInTheKernel, PushPopPeek)
{
	for (uint32_t type : {MAP_TYPE_queue, MAP_TYPE_stack, MAP_TYPE_bloom_filter}) {
		bool bloom = type == MAP_TYPE_bloom_filter;
		auto m = map_attrs(type, 0, 8, 4, bloom ? MAP_F_ZERO_SEED : 0);
		KernelMap theirs(m);
		ASSERT_GE(theirs.fd, 0);
		MapMem ours(m);
		const uint64_t flags[] = {0, 0, 0, 1, 2, 2, 3, 4};
		for (int i = 0; i < rounds(120); i++) {
			uint64_t v = rnd() % 6, f = flags[rnd() % 8];
			memcpy(k.mem + VALUE, &v, 8);
			auto map = K::map(theirs.fd), at = K::at(VALUE);
			int64_t mine, want;
			switch (rnd() % (bloom ? 2 : 3)) {
			case 0:
				mine = (int64_t)bpftime_h_map_push_elem(&m, ours.base, &v, f);
				want = ask(HELPER_map_push_elem, {map, at, K::number(f)});
				break;
			case 1:
				mine = (int64_t)bpftime_h_map_peek_elem(&m, ours.base, &v);
				want = ask(HELPER_map_peek_elem, {map, at});
				break;
			default:
				mine = (int64_t)bpftime_h_map_pop_elem(&m, ours.base, &v);
				want = ask(HELPER_map_pop_elem, {map, at});
			}
			ASSERT_EQ(mine, want) << type << " flags " << f;
			ASSERT_EQ(memcmp(&v, k.mem + VALUE, 8), 0);
		}
	}
}

// One program: reserve, a word, submit or discard.
static std::vector<bpf_insn> reserving(int fd, uint32_t size, uint32_t word, bool discard, uint32_t flags)
{
	std::vector<bpf_insn> p;
	K::ld(p, 1, BPF_PSEUDO_MAP_FD, (uint32_t)fd, 0);
	p.push_back({BPF_ALU64 | BPF_MOV | BPF_K, 2, 0, 0, (int32_t)size});
	p.push_back({BPF_ALU64 | BPF_MOV | BPF_K, 3, 0, 0, 0});
	p.push_back({BPF_JMP | BPF_CALL, 0, 0, 0, HELPER_ringbuf_reserve});
	p.push_back({BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 4, 0});
	p.push_back({BPF_ST | BPF_MEM | BPF_W, 0, 0, 0, (int32_t)word});
	p.push_back({BPF_ALU64 | BPF_MOV | BPF_X, 1, 0, 0, 0});
	p.push_back({BPF_ALU64 | BPF_MOV | BPF_K, 2, 0, 0, (int32_t)flags});
	p.push_back({BPF_JMP | BPF_CALL, 0, 0, 0, discard ? HELPER_ringbuf_discard : HELPER_ringbuf_submit});
	p.push_back({BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0});
	p.push_back({BPF_JMP | BPF_EXIT, 0, 0, 0, 0});
	return p;
}

TEST_P(OthersAsInTheKernel, RingBuffers)
{
	enum { BYTES = 4096 };
	auto m = map_attrs(MAP_TYPE_ringbuf, 0, 0, BYTES);
	KernelMap theirs(m);
	ASSERT_GE(theirs.fd, 0);
	MapMem ours(m);
	auto *consumer = (uint64_t *)mmap(nullptr, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, theirs.fd, 0);
	auto *producer = (char *)mmap(nullptr, BYTES + 2 * BYTES, PROT_READ, MAP_SHARED, theirs.fd, BYTES);
	ASSERT_NE((void *)producer, MAP_FAILED);

	for (int i = 0; i < rounds(200); i++) {
		uint32_t size = 4 + rnd() % (rnd() % 8 ? 300 : 5000), word = (uint32_t)rnd();
		const uint64_t flags[] = {0, 0, 1, 2, 3, 4};
		uint64_t f = flags[rnd() % 6];
		auto map = K::map(theirs.fd);
		switch (rnd() % 3) {
		case 0: {
			bool discard = rnd() % 2;
			auto program = reserving(theirs.fd, size, word, discard, f % 4);
			int e = k.run_program(program);
			ASSERT_EQ(e, 0) << k.log;
			auto *to = (uint32_t *)bpftime_h_ringbuf_reserve(&m, ours.base, size, 0);
			if (to) {
				*to = word;
				discard ? bpftime_h_ringbuf_discard(to, f % 4) : bpftime_h_ringbuf_submit(to, f % 4);
			}
			break;
		}
		case 1: {
			size %= K::MEM - VALUE;
			for (int b = VALUE; b < K::MEM; b++)
				k.mem[b] = (uint8_t)(b * word);
			std::string data((char *)k.mem + VALUE, size);
			ASSERT_EQ((int64_t)bpftime_h_ringbuf_output(&m, ours.base, data.data(), size, f),
				  ask(HELPER_ringbuf_output, {map, K::at(VALUE), K::number(size), K::number(f)})) << f;
			break;
		}
		default:
			for (uint64_t what = 0; what < 6; what++)
				ASSERT_EQ((int64_t)bpftime_h_ringbuf_query(&m, ours.base, what),
					  ask(HELPER_ringbuf_query, {map, K::number(what)})) << what;
		}
		// At times everything is taken, record by record.
		uint64_t end = rnd() % 3 ? *consumer : *(volatile uint64_t *)producer;
		const void *mine;
		uint32_t bytes;
		while (*consumer < end) {
			auto *hdr = (uint32_t *)(producer + BYTES + *consumer % BYTES);
			uint32_t len = hdr[0] & 0x3fffffff;
			if (!(hdr[0] >> 30)) {
				ASSERT_EQ(rt_ringbuf_peek(&m, ours.base, &mine, &bytes), 1);
				ASSERT_EQ(bytes, len);
				ASSERT_EQ(memcmp(mine, hdr + 2, std::min(len, 4u)), 0);
				rt_ringbuf_consume(&m, ours.base);
			}
			__atomic_store_n(consumer, *consumer + (len + 8 + 7) / 8 * 8, __ATOMIC_RELEASE);
			if (*consumer == end) {
				ASSERT_EQ(rt_ringbuf_peek(&m, ours.base, &mine, &bytes), 0);
			}
		}
	}
	munmap(consumer, BYTES);
	munmap(producer, 3 * BYTES);
}

TEST_P(OthersAsInTheKernel, ReadsOfTheProcess)
{
	char *page = (char *)mmap(nullptr, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_EQ(munmap(page + 4096, 4096), 0);
	for (int i = 0; i < 4096; i++)
		page[i] = (char)(i % 37 ? 'a' + i % 26 : 0);
	for (int i = 0; i < rounds(200); i++) {
		uint64_t from = (uint64_t)page + rnd() % 4200, size = rnd() % 100;
		if (rnd() % 8 == 0)
			from = rnd() % 2 ? 8 : rnd();
		for (int id : {HELPER_probe_read_user, HELPER_probe_read_user_str}) {
			uint8_t mine[128];
			memset(mine, 0x55, sizeof(mine));
			memset(k.mem + OUT, 0x55, sizeof(mine));
			int64_t want = ask(id, {K::at(OUT), K::number(size), K::number(from)});
			int64_t got = (int64_t)(id == HELPER_probe_read_user
				? bpftime_h_probe_read_user(mine, size, from)
				: bpftime_h_probe_read_user_str(mine, size, from));
			ASSERT_EQ(got, want) << std::hex << from << " " << size;
			size_t same = id == HELPER_probe_read_user ? size : want > 0 ? (size_t)want : 0;
			ASSERT_EQ(memcmp(mine, k.mem + OUT, same), 0);
		}
	}
	munmap(page, 4096);
	munmap(page + 8192, 4096);
}

TEST_P(OthersAsInTheKernel, WhereItRunsAndItsName)
{
	EXPECT_EQ((int64_t)bpftime_h_get_smp_processor_id(), ask(HELPER_get_smp_processor_id, {}));
	for (uint64_t size : {1, 4, 16, 40}) {
		uint8_t mine[64];
		memset(mine, 0x55, sizeof(mine));
		memset(k.mem + OUT, 0x55, sizeof(mine));
		EXPECT_EQ((int64_t)bpftime_h_get_current_comm(mine, size),
			  ask(HELPER_get_current_comm, {K::at(OUT), K::number(size)}));
		EXPECT_EQ(memcmp(mine, k.mem + OUT, sizeof(mine)), 0) << size;
	}
}

// Every helper is compared in a file helpers_kernel*.cpp, or in the programs of test/compiler that run both here
// and in the kernel (both.h); or it is said why not.
static bool has_word(const std::string &text, const std::string &word)
{
	for (size_t at = text.find(word); at != text.npos; at = text.find(word, at + 1)) {
		char next = at + word.size() < text.size() ? text[at + word.size()] : ' ';
		if (!isalnum(next) && next != '_')
			return true;
	}
	return false;
}

TEST(Coverage, EveryHelperIsAskedOrHasAReason)
{
	std::map<std::string, std::string> unasked = {
#define UNASKED(name_, why_) {#name_, why_},
#include "helper_unasked.def"
	};
	std::stringstream here, programs;
	for (auto f : {"helpers_kernel.cpp", "helpers_kernel_cgroup.cpp", "helpers_kernel_maps.cpp"})
		here << std::ifstream(std::string(BPFTIME_TEST_DIR "/runtime/") + f).rdbuf();
	for (auto f : {"callbacks.bpf.c"})
		programs << std::ifstream(std::string(BPFTIME_TEST_DIR "/compiler/") + f).rdbuf();
	size_t have = 0;
	for (int id = 1; id < HELPER_ID_END; id++) {
		const struct helper_proto *h = ::helper_proto(id);
		if (!h || h->refused)
			continue;
		have++;
		bool is = has_word(here.str(), std::string("HELPER_") + h->name),
		     in_program = has_word(programs.str(), std::string("bpf_") + h->name);
		bool reason = unasked.erase(h->name);
		EXPECT_TRUE(is || in_program || reason) << h->name << ": neither compared with the kernel's nor a reason given";
		EXPECT_FALSE(is && reason) << h->name << ": a reason, though it is compared";
	}
	EXPECT_GT(have, 40u);
	for (auto &u : unasked)
		ADD_FAILURE() << u.first << ": a reason, but no such helper";
}
