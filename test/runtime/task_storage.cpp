// SPDX-License-Identifier: MIT
// Maps of kind task_storage: threads that come and go, on the same stacks and with the same ids; what
// processes do to them, compared with the kernel's.
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "kill_kinds.h"
#include "kernel_map.h"
#include "map_mem.h"
#include "rt_helpers.h"
#include "storm.h"

namespace {

enum { CREATE = 1 };

bpftime_map tasks(uint32_t value)
{
	auto m = map_attrs(MAP_TYPE_task_storage, 4, value, 0, MAP_F_NO_PREALLOC);
	m.key_btf_id = 1, m.value_btf_id = 3;
	return m;
}

template <typename T> T *storage(const MapMem &k, uint64_t flags = CREATE, const T *first = nullptr)
{
	return (T *)bpftime_h_task_storage_get(&k.m, k.base, HELPER_TASK, first, flags);
}

int64_t forget(const MapMem &k)
{
	return (int64_t)bpftime_h_task_storage_delete(&k.m, k.base, HELPER_TASK);
}

uint32_t gettid_now() { return (uint32_t)syscall(SYS_gettid); }

// A thread that waits until it is told to end.
struct Waiting {
	std::mutex m;
	std::condition_variable cv;
	bool end = false;
	std::atomic<uint32_t> tid{0};
	std::thread t;
	template <typename F> explicit Waiting(F first)
		: t([this, first] {
			  first();
			  tid = gettid_now();
			  std::unique_lock<std::mutex> l(m);
			  cv.wait(l, [this] { return end; });
		  })
	{
		while (!tid)
			std::this_thread::yield();
	}
	~Waiting()
	{
		{
			std::lock_guard<std::mutex> l(m);
			end = true;
		}
		cv.notify_all();
		t.join();
	}
};

}  // namespace

TEST(Tasks, EachThreadHasItsOwn)
{
	MapMem k(tasks(8));
	ASSERT_NE(k.base, nullptr);
	std::vector<std::thread> t;
	std::atomic<int> wrong{0};
	for (uint64_t i = 0; i < 40; i++)
		t.emplace_back([&, i] {
			uint64_t first = i * 1000, *v = storage(k, CREATE, &first);
			for (int n = 0; n < 500 && v; n++) {
				++*v;
				v = storage<uint64_t>(k, n % 2);
			}
			wrong += !v || *v != first + 500;
			if (i % 2)
				wrong += forget(k) != 0 || forget(k) != -ENOENT || storage<uint64_t>(k, 0);
		});
	for (auto &x : t)
		x.join();
	EXPECT_EQ(wrong, 0);
}

// More threads than there is room for, one after the other: each finds nothing, and room.
TEST(Tasks, ThoseThatEndedMakeRoom)
{
	MapMem k(tasks(60000));	// room for 139
	unsigned found = 0, full = 0;
	for (int i = 0; i < 1000; i++)
		std::thread([&] {
			found += storage<char>(k, 0) != nullptr;
			char *v = storage<char>(k);
			full += !v;
			if (v) {
				found += *v != 0;
				*v = 1;
			}
		}).join();
	EXPECT_EQ(found, 0u);
	EXPECT_EQ(full, 0u);
}

TEST(Tasks, FullIsNullUntilOneEnds)
{
	MapMem k(tasks(65000));
	std::vector<std::unique_ptr<Waiting>> all;
	std::atomic<unsigned> had{0};
	auto one = [&] { had += storage<char>(k) != nullptr; };
	for (int i = 0; i < 140; i++)
		all.push_back(std::make_unique<Waiting>(one));
	EXPECT_EQ(had, 129u);	// 8 MiB / 65,008
	all.erase(all.begin(), all.begin() + 5);
	for (int i = 0; i < 7; i++)
		all.push_back(std::make_unique<Waiting>(one));
	EXPECT_EQ(had, 134u);
}

TEST(Tasks, AChildHasNone)
{
	MapMem k(tasks(8));
	rt_self_setup();
	uint64_t first = 5;
	ASSERT_TRUE(storage(k, CREATE, &first));
	pid_t pid = fork();
	if (!pid) {
		bool none = !storage<uint64_t>(k, 0);
		uint64_t *v = storage<uint64_t>(k);
		_exit(none && v && *v == 0 && ++*v ? 0 : 1);
	}
	int status = -1;
	waitpid(pid, &status, 0);
	EXPECT_EQ(status, 0);
	EXPECT_EQ(*storage<uint64_t>(k, 0), 5u);
}

// The kernel is made to give a new thread the id of one that has ended.
TEST(Tasks, AnIdThatComesAgainIsAnotherThread)
{
	MapMem k(tasks(8));
	unsigned again = 0, stale = 0;
	for (int i = 0; i < 60 && again < 3; i++) {
		uint32_t tid = 0;
		std::thread([&] {
			tid = gettid_now();
			*storage<uint64_t>(k) = 7;
		}).join();
		usleep(60000);
		std::ofstream last("/proc/sys/kernel/ns_last_pid");
		if (!(last << tid - 1 << std::flush))
			GTEST_SKIP() << "/proc/sys/kernel/ns_last_pid may not be written";
		std::thread([&] {
			if (gettid_now() != tid)
				return;
			again++;
			int key = (int)tid;
			uint64_t v;
			stale += rt_map_lookup(&k.m, k.base, &key, &v, 0) != -ENOENT;
			stale += i % 2 && forget(k) != -ENOENT;
			stale += storage<uint64_t>(k, 0) != nullptr;
			auto *s = storage<uint64_t>(k);
			stale += !s || *s;
		}).join();
	}
	EXPECT_EQ(stale, 0u);
	if (!again)
		GTEST_SKIP() << "no id came again";
}

TEST(Tasks, AreListedByThreadId)
{
	MapMem k(tasks(8));
	uint64_t first = 1;
	storage(k, CREATE, &first);
	std::set<uint32_t> want = {gettid_now()}, got;
	{
		Waiting a([&] { uint64_t v = 2; storage(k, CREATE, &v); }), b([] {}), c([&] { uint64_t v = 3; storage(k, CREATE, &v); });
		std::thread([&] { storage<uint64_t>(k); }).join();
		want.insert(a.tid);
		want.insert(c.tid);
		uint32_t key, next;
		for (int r = rt_map_next_key(&k.m, k.base, nullptr, &key); !r; r = rt_map_next_key(&k.m, k.base, &key, &next), key = next)
			got.insert(key);
		EXPECT_EQ(got, want);
		uint64_t v;
		key = c.tid;
		EXPECT_EQ(rt_map_lookup(&k.m, k.base, &key, &v, 0), 0);
		EXPECT_EQ(v, 3u);
		key = b.tid;
		EXPECT_EQ(rt_map_lookup(&k.m, k.base, &key, &v, 0), -ENOENT);
	}
	uint32_t key;
	ASSERT_EQ(rt_map_next_key(&k.m, k.base, nullptr, &key), 0);
	EXPECT_EQ(key, gettid_now());
	EXPECT_EQ(rt_map_next_key(&k.m, k.base, &key, &key), -ENOENT);
}

// ---- the kernel's ----

namespace {

// int; an array of `bytes` bytes, which is type 3
int load_btf(uint32_t bytes)
{
	const uint32_t types[] = {
		1, 1u << 24, 4, 1u << 24 | 32,			// 1: int, signed
		5, 1u << 24, 1, 8,				// 2: unsigned char
		0, 3u << 24, 0, 2, 1, bytes,			// 3: char[bytes]
	};
	const char names[] = "\0int\0u8";
	std::string blob;
	const uint32_t hdr[] = {0x0001eb9f, 24, 0, sizeof(types), sizeof(types), sizeof(names)};
	blob.append((const char *)hdr, sizeof(hdr));
	blob.append((const char *)types, sizeof(types));
	blob.append(names, sizeof(names));
	union bpf_attr a = {};
	a.btf = (uint64_t)(uintptr_t)blob.data();
	a.btf_size = (uint32_t)blob.size();
	return KernelMap::call(BPF_BTF_LOAD, a);
}

int create(const bpftime_map &m, int btf)
{
	union bpf_attr a = {};
	a.map_type = m.type, a.key_size = m.key_size, a.value_size = m.value_size;
	a.max_entries = m.max_entries, a.map_flags = m.flags;
	a.btf_fd = (uint32_t)btf, a.btf_key_type_id = m.key_btf_id, a.btf_value_type_id = m.value_btf_id;
	return KernelMap::call(BPF_MAP_CREATE, a);
}

int elem(int cmd, int map, const void *key, void *value, uint64_t flags)
{
	union bpf_attr a = {};
	a.map_fd = (uint32_t)map;
	a.key = (uint64_t)(uintptr_t)key, a.value = (uint64_t)(uintptr_t)value, a.flags = flags;
	return KernelMap::call(cmd, a);
}

}  // namespace

TEST(Tasks, AreMadeAsInTheKernel)
{
	const uint32_t sizes[] = {0, 1, 8, 100, 65000, 65406, 65407, 65408, 65409, 65535, 65536, 70000};
	const uint32_t flags[] = {0, MAP_F_NO_PREALLOC, MAP_F_NO_PREALLOC | 1 << 9, MAP_F_NO_PREALLOC | MAP_F_NUMA_NODE,
				  MAP_F_NO_PREALLOC | MAP_F_RDONLY, MAP_F_NO_PREALLOC | MAP_F_RDONLY_PROG, MAP_F_NO_PREALLOC | MAP_F_MMAPABLE};
	unsigned made = 0;
	for (uint32_t size : sizes) {
		int btf = load_btf(size ? size : 1);
		if (btf == -EPERM)
			GTEST_SKIP() << "bpf() is not permitted";
		ASSERT_GE(btf, 0);
		for (uint32_t f : flags)
			for (uint32_t entries : {0u, 1u})
				for (uint32_t id : {0u, 3u}) {
					auto m = tasks(size);
					m.flags = f, m.max_entries = entries, m.value_btf_id = id;
					m.key_btf_id = id ? 1 : 0;
					int fd = create(m, btf);
					EXPECT_EQ(rt_map_check(&m), fd < 0 ? fd : 0) << size << " " << f << " " << entries << " " << id;
					made += fd >= 0;
					close(fd);
				}
		close(btf);
	}
	EXPECT_GT(made, 6u);
}

TEST(Tasks, ProcessesGetTheKernelsResults)
{
	enum { THREADS = 6 };
	const char *env = getenv("BPFTIME_OPS");
	uint64_t n = env ? strtoull(env, nullptr, 0) : 20000, done = 0;
	auto m = tasks(20);
	int btf = load_btf(20), map = btf < 0 ? btf : create(m, btf);
	if (map == -EPERM)
		GTEST_SKIP() << "bpf() is not permitted";
	ASSERT_GE(map, 0);
	MapMem k(m);
	std::vector<std::unique_ptr<Waiting>> thread;
	std::vector<int> pidfd;
	for (int i = 0; i < THREADS; i++) {
		thread.push_back(std::make_unique<Waiting>([] {}));
		pidfd.push_back((int)syscall(SYS_pidfd_open, thread.back()->tid.load(), O_EXCL));	// PIDFD_THREAD
		if (pidfd.back() < 0)
			GTEST_SKIP() << "no descriptors of threads: Linux before 6.9";
	}
	std::mt19937_64 rnd(6);
	const uint64_t flags[] = {0, 0, 0, 1, 2, 3, 4, 5, 8, 1ull << 40};
	char a[20], b[20];
	for (; n; n--) {
		unsigned i = rnd() % THREADS;
		uint32_t tid = thread[i]->tid;
		uint64_t f = flags[rnd() % (sizeof(flags) / sizeof(*flags))];
		int want, got;
		for (auto &c : a)
			c = (char)rnd();
		switch (rnd() % 4) {
		case 0:
			want = elem(BPF_MAP_DELETE_ELEM, map, &pidfd[i], nullptr, 0);
			got = rt_map_delete(&m, k.base, &tid);
			break;
		case 1:
			f = rnd() % 8 ? 0 : f;
			want = elem(BPF_MAP_LOOKUP_ELEM, map, &pidfd[i], a, f);
			memcpy(b, a, sizeof(b));
			got = rt_map_lookup(&m, k.base, &tid, b, f);
			ASSERT_EQ(memcmp(a, b, sizeof(a)), 0);
			break;
		default:
			want = elem(BPF_MAP_UPDATE_ELEM, map, &pidfd[i], a, f);
			got = rt_map_update(&m, k.base, &tid, a, f);
		}
		ASSERT_EQ(got, want) << "flags " << f;
		done += !want;
	}
	EXPECT_GT(done, 100u);
	for (int fd : pidfd)
		close(fd);
	thread.pop_back();	// the thread has ended
	close(map);
	close(btf);
}

// ---- storms and kills ----

struct StormTasks : testing::TestWithParam<Weather> {};

// A thread finds what it left, whatever interrupts it, and a new one nothing.
TEST_P(StormTasks, EachFindsItsOwn)
{
	struct Mine {
		uint32_t tid, depth;
		uint64_t n;
	};
	static thread_local Mine mine;
	Storm s;
	MapMem k(tasks(8));
	s.run(GetParam(), [&](uint32_t, uint64_t) {
		uint32_t tid = gettid_now();
		uint64_t seen, before;
		if (mine.tid != tid)	// a child, too
			mine = {tid, 0, 0};
		mine.depth++;
		auto *v = storage<uint64_t>(k);
		if (v) {
			__atomic_fetch_add(v, 1, __ATOMIC_RELAXED);
			__atomic_fetch_add(&mine.n, 1, __ATOMIC_RELAXED);
			do {
				before = __atomic_load_n(&mine.n, __ATOMIC_SEQ_CST);
				seen = __atomic_load_n(v, __ATOMIC_SEQ_CST);
			} while (before != __atomic_load_n(&mine.n, __ATOMIC_SEQ_CST));
			s.count(mine.depth > 1 || seen == before ? 0 : 3);
		} else {
			s.count(1);
		}
		mine.depth--;
	});
	EXPECT_GT(s.c->n[0], 0u);
	EXPECT_EQ(s.c->n[3], 0u) << "storage that was another's";
	EXPECT_LE(s.c->n[1], s.c->busy);
}
INSTANTIATE_TEST_SUITE_P(In, StormTasks, testing::Values(THREADS, SIGNALS, FORKS, SHORT_THREADS, PROCESSES),
			 [](const auto &i) { return std::string(weather_name(i.param)); });

// No entry is lost: when all have ended there is room for as many as ever.
TEST(KillTasks, LosesNoEntry)
{
	KillRun run(tasks(60000));
	const MapMem &k = run.map;
	run.go([](KillRun &r, uint32_t, std::mt19937_64 &rnd) {
		switch (rnd() % 4) {
		case 0: {
			int64_t e = forget(r.map);
			return e == -ENOENT ? 0 : (int)e;
		}
		case 1: {
			int e = 0;
			std::thread([&] { e = storage<char>(r.map) ? 0 : -EBUSY; }).join();
			return e;
		}
		default:
			return storage<char>(r.map) ? 0 : -EBUSY;
		}
	}, [](KillRun &) { usleep(200); });
	std::vector<std::unique_ptr<Waiting>> all;
	std::atomic<unsigned> had{0};
	for (int i = 0; i < 145; i++)
		all.push_back(std::make_unique<Waiting>([&] { had += storage<char>(k) != nullptr; }));
	EXPECT_EQ(had, 139u);
}
