// SPDX-License-Identifier: MIT
// vm.h: what is registered is called with what the program passed and only as the prototype
// allows, with each engine and from an object that was made elsewhere.
#include "../tools.h"

#include <fstream>
#include <thread>
#include <vector>

#include "../relocator/compile.h"
#include "diag.h"
#include "isa.h"
#include "rt_maps.h"
#include "vm.h"

namespace {

using code = std::vector<bpfi>;

bpfi mov(unsigned dst, int32_t imm) { return { BPFI_ALU64 | BPFI_K | 0xb0, (uint8_t)dst, 0, 0, imm }; }
bpfi movr(unsigned dst, unsigned src) { return { BPFI_ALU64 | BPFI_X | 0xb0, (uint8_t)dst, (uint8_t)src, 0, 0 }; }
bpfi call(int32_t n) { return { BPFI_JMP_CALL, 0, 0, 0, n }; }
const bpfi leave = { BPFI_JMP_EXIT, 0, 0, 0, 0 };
bpfi load(unsigned dst, unsigned src) { return { BPFI_LDX | 0x60 | 0x18, (uint8_t)dst, (uint8_t)src, 0, 0 }; }

uint64_t got[5];
uint64_t note(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	uint64_t v[] = { a, b, c, d, e };
	std::copy(v, v + 5, got);
	return 77;
}
uint64_t sum(const uint8_t *p, uint64_t n)
{
	uint64_t s = 0;
	for (uint64_t i = 0; i < n; i++)
		s += p[i];
	return s;
}
void fill(uint8_t *p, uint64_t n) { std::fill(p, p + n, 0x11); }

struct Vm {
	struct vm *v = vm_new();
	Vm() = default;
	Vm(const Vm &) = delete;
	~Vm() { vm_free(v); }

	int reg(int n, const char *name, void *fn, const vm_proto *p = nullptr) { return vm_register(v, n, name, fn, p); }
	int load(const code &c, size_t mem = 0) { return vm_load_code(v, c.data(), c.size() * sizeof(bpfi), mem); }
};

const vm_proto mem_in = { RET_INT, { ARG_MEM, ARG_SIZE0, ARG_NONE, ARG_NONE, ARG_NONE } };
const vm_proto mem_out = { RET_VOID, { ARG_MEM_UNINIT, ARG_SIZE, ARG_NONE, ARG_NONE, ARG_NONE } };

// The object of a program that sums its memory, 4 bytes, with a function of the test's.
std::vector<uint8_t> sum_object()
{
	Vm a;
	const void *o;
	size_t n = 0;
	EXPECT_EQ(a.reg(7, "sum", (void *)sum, &mem_in), 0);
	EXPECT_EQ(a.load({ call(7), leave }, 4), 0);
	EXPECT_EQ(vm_emit(a.v, &o, &n), 0) << vm_error(a.v);
	return n ? std::vector<uint8_t>((const uint8_t *)o, (const uint8_t *)o + n) : std::vector<uint8_t>();
}

// Ready to run c: way 0 and 1 are the engines, 2 is its object in a vm of its own.
struct Ready {
	Vm a, b;
	struct vm *v = nullptr;	// NULL: it failed, and said so

	Ready(int way, const code &c, size_t mem,
	      const std::vector<std::tuple<int, const char *, void *, const vm_proto *>> &fns)
	{
		const void *o;
		size_t n;
		int r = 0;
		for (auto [number, name, fn, p] : fns)
			r |= a.reg(number, name, fn, p) | b.reg(number, name, fn, p);
		r |= a.load(c, mem);
		if (way < 2) {
			r |= vm_compile(a.v, way ? VM_AOT : VM_JIT);
		} else {
			r |= vm_emit(a.v, &o, &n);
			r |= r ? r : vm_load_object(b.v, o, n, nullptr);
		}
		EXPECT_EQ(r, 0) << vm_error(a.v) << vm_error(b.v);
		if (!r)
			v = way < 2 ? a.v : b.v;
	}
};

// Runs c in all three ways, which must agree.
uint64_t everywhere(const code &c, std::vector<uint8_t> mem,
		    const std::vector<std::tuple<int, const char *, void *, const vm_proto *>> &fns)
{
	uint64_t r0[3] = { 1, 2, 3 };
	std::vector<uint8_t> after[3];
	for (int way = 0; way < 3; way++) {
		std::vector<uint8_t> m = mem;
		Ready ready(way, c, mem.size(), fns);
		if (!ready.v)
			continue;
		EXPECT_EQ(vm_mem_bytes(ready.v), mem.size());
		EXPECT_EQ(vm_run(ready.v, m.data(), m.size(), &r0[way]), 0);
		after[way] = m;
	}
	EXPECT_EQ(r0[0], r0[1]);
	EXPECT_EQ(r0[0], r0[2]);
	EXPECT_EQ(after[0], after[1]);
	EXPECT_EQ(after[0], after[2]);
	return r0[0];
}

}

TEST(Vm, AFunctionGetsTheFiveRegisters)
{
	code c = { mov(1, 10), mov(2, -20), mov(3, 30), mov(4, 40), mov(5, 50), call(6), leave };
	EXPECT_EQ(everywhere(c, {}, { { 6, "note", (void *)note, nullptr } }), 77u);
	EXPECT_EQ(got[0], 10u);
	EXPECT_EQ(got[1], (uint64_t)-20);
	EXPECT_EQ(got[4], 50u);
}

TEST(Vm, ANumberHidesTheHelperOfThatNumber)
{
	code c = { mov(1, 1), call(1), leave };		// bpf_map_lookup_elem otherwise
	vm_proto one = { RET_INT, { ARG_SCALAR } };
	EXPECT_EQ(everywhere(c, {}, { { 1, "note", (void *)note, &one } }), 77u);
	EXPECT_EQ(got[0], 1u);
	Vm plain;
	ASSERT_EQ(plain.load(c), 0);
	EXPECT_EQ(vm_compile(plain.v, VM_JIT), -DIAG_V019);
}

TEST(Vm, MemoryAndItsSize)
{
	code c = { call(7), leave };
	EXPECT_EQ(everywhere(c, { 1, 2, 3, 4 }, { { 7, "sum", (void *)sum, &mem_in } }), 10u);
	code out = { movr(6, 1), call(8), load(0, 6), leave };
	EXPECT_EQ(everywhere(out, std::vector<uint8_t>(8), { { 8, "fill", (void *)fill, &mem_out } }),
		  0x1111111111111111u);
}

TEST(Vm, MemoryIsCheckedAgainstThePrototype)
{
	struct { const char *why; code c; int want; } cases[] = {
		{ "one byte too many", { mov(2, 5), call(7), leave }, -DIAG_V013 },
		{ "a size from memory", { movr(6, 1), load(2, 6), call(7), leave }, -DIAG_V020 },
		{ "a number as memory", { mov(1, 4096), mov(2, 1), call(7), leave }, -DIAG_V019 },
		{ "no size", { movr(1, 1), { BPFI_ALU64 | BPFI_X | 0xb0, 2, 3, 0, 0 }, call(7), leave }, -DIAG_V002 },
	};
	for (auto &t : cases) {
		Vm a;
		ASSERT_EQ(a.reg(7, "sum", (void *)sum, &mem_in), 0);
		ASSERT_EQ(a.load(t.c, t.want == -DIAG_V020 ? 8 : 4), 0);
		EXPECT_EQ(vm_compile(a.v, VM_JIT), t.want) << t.why << ": " << vm_error(a.v);
		EXPECT_STRNE(vm_error(a.v), "");
		EXPECT_EQ(vm_function(a.v), nullptr);
	}
}

TEST(Vm, RegistersOnlyWhatItCanCheck)
{
	const vm_proto bad[] = {
		{ RET_MAP_VALUE_OR_NULL, {} }, { RET_INT, { ARG_MEM } }, { RET_INT, { ARG_SIZE } },
		{ RET_INT, { ARG_MAP } }, { RET_INT, { ARG_NONE, ARG_ANY } },
		{ RET_INT, { ARG_ANY, ARG_ANY, ARG_ANY, ARG_ANY, ARG_MEM } },
	};
	Vm a;
	for (const vm_proto &p : bad)
		EXPECT_EQ(a.reg(1, "f", (void *)note, &p), -DIAG_U001);
	EXPECT_EQ(a.reg(-1, "f", (void *)note), -DIAG_U001);
	EXPECT_EQ(a.reg(1, "", (void *)note), -DIAG_U001);
	EXPECT_EQ(a.reg(1, "f", nullptr), -DIAG_U001);
	EXPECT_EQ(a.reg(1, "f", (void *)note), 0);
	EXPECT_EQ(a.reg(1, "g", (void *)note), -DIAG_U001);
	EXPECT_EQ(a.reg(2, "f", (void *)note), -DIAG_U001);
	ASSERT_EQ(a.load({ mov(0, 0), leave }), 0);
	EXPECT_EQ(a.reg(3, "h", (void *)note), -DIAG_U001) << "after loading";
	EXPECT_EQ(a.load({ mov(0, 0), leave }), -DIAG_U001) << "twice";
	EXPECT_EQ(vm_run(a.v, nullptr, 0, nullptr), -DIAG_U001) << "before it is compiled";
}

TEST(Vm, AnObjectWantsThePrototypeItWasVerifiedWith)
{
	Vm none, other, fit;
	const vm_proto wider = { RET_INT, { ARG_ANY, ARG_ANY } };
	const std::vector<uint8_t> object = sum_object();
	const void *o = object.data();
	size_t n = object.size();
	EXPECT_EQ(vm_load_object(none.v, o, n, nullptr), -DIAG_L014);
	ASSERT_EQ(other.reg(7, "sum", (void *)sum, &wider), 0);
	EXPECT_EQ(vm_load_object(other.v, o, n, nullptr), -DIAG_L014);
	ASSERT_EQ(fit.reg(7, "sum", (void *)sum, &mem_in), 0);
	EXPECT_EQ(vm_load_object(fit.v, o, n, "nobody"), -DIAG_U001);
	ASSERT_EQ(vm_load_object(fit.v, o, n, "prog"), 0) << vm_error(fit.v);
	uint64_t r0;
	uint8_t mem[4] = { 9 };
	EXPECT_EQ(vm_run(fit.v, mem, 3, &r0), -DIAG_U001) << "too little memory";
	EXPECT_EQ(vm_run(fit.v, mem, 4, &r0), 0);
	EXPECT_EQ(r0, 9u);
}

TEST(Vm, DamagedObjectsAreRefused)
{
	const std::vector<uint8_t> whole = sum_object();
	ASSERT_FALSE(whole.empty());
	for (size_t cut = 0; cut < whole.size(); cut += whole.size() / 40 + 1) {
		Vm b;
		b.reg(7, "sum", (void *)sum, &mem_in);
		EXPECT_LT(vm_load_object(b.v, whole.data(), cut, nullptr), 0) << cut;
	}
}

// A payload in somebody else's binary has nobody who would provide the function.
struct VmTool : ToolTest {};
TEST_F(VmTool, ThePatcherRefusesSuchObjects)
{
	const std::vector<uint8_t> object = sum_object();
	std::ofstream(d + "/x.hook.o", std::ios::binary).write((const char *)object.data(), (std::streamsize)object.size());
	Output p = shell(BPFTIME_BIN_DIR "/bpftime-aot link --shared " + d + "/x.hook.o -o " + d + "/x.so");
	EXPECT_EQ(p.status, 1);
	EXPECT_NE(p.text.find("L014"), std::string::npos) << p.text;
	EXPECT_EQ(shell("ls " + d + "/x.so").status, 2) << "no output";
}

TEST(Vm, MapsAreSeenFromBothSides)
{
	NEED_CLANG();
	std::string path = compile_text(R"(
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 8); __type(key, __u32); __type(value, __u64); }
	seen SEC(".maps");
extern void note(__u64 a) __ksym;
SEC("vm/8") int other(__u64 *m) { return 1; }
SEC("vm/8") int prog(__u64 *m) {
	__u32 key = *m;
	__u64 v = key * 2;
	note(v);
	return bpf_map_update_elem(&seen, &key, &v, 0);
}
char LICENSE[] SEC("license") = "GPL";
)");
	for (vm_engine e : { VM_JIT, VM_AOT }) {
		Vm a;
		const vm_proto one = { RET_VOID, { ARG_SCALAR } };
		uint64_t mem = 21, r0 = 1, v = 0;
		uint32_t key = 21;
		struct vm_map m;
		ASSERT_EQ(a.reg(3, "note", (void *)note, &one), 0);
		EXPECT_EQ(vm_load_elf(a.v, path.c_str(), nullptr, 0), -DIAG_U001) << "which of two?";
		ASSERT_EQ(vm_load_elf(a.v, path.c_str(), "prog", 0), 0) << vm_error(a.v);
		ASSERT_EQ(vm_compile(a.v, e), 0) << vm_error(a.v);
		got[0] = 0;
		ASSERT_EQ(vm_run(a.v, &mem, sizeof(mem), &r0), 0);
		EXPECT_EQ(r0, 0u);
		EXPECT_EQ(got[0], 42u);
		EXPECT_EQ(vm_map(a.v, "none", &m), -DIAG_M003);
		ASSERT_EQ(vm_map(a.v, "seen", &m), 0);
		EXPECT_EQ(rt_map_lookup(m.m, m.base, &key, &v, 0), 0);
		EXPECT_EQ(v, 42u);
	}
}

TEST(Vm, ManyThreadsRunOne)
{
	Vm a;
	// r0 = r2 + *(u64 *)r1
	ASSERT_EQ(a.load({ load(0, 1), { BPFI_ALU64 | BPFI_X | 0x00, 0, 2, 0, 0 }, leave }, 8), 0);
	ASSERT_EQ(vm_compile(a.v, VM_JIT), 0) << vm_error(a.v);
	std::vector<std::thread> t;
	std::vector<int> wrong(4);
	for (int i = 0; i < 4; i++)
		t.emplace_back([&, i] {
			for (uint64_t k = 0; k < 20000; k++) {
				uint64_t mem = k * 4 + (unsigned)i, r0 = 0;
				wrong[i] += vm_run(a.v, &mem, 8, &r0) || r0 != mem + 8;
			}
		});
	for (auto &x : t)
		x.join();
	EXPECT_EQ(wrong, std::vector<int>(4));
}

TEST(Vm, UnverifiedOnlyWhenToldSo)
{
	code c = { load(0, 1), leave };		// 8 bytes of 4
	Vm a, b;
	ASSERT_EQ(a.load(c, 4), 0);
	EXPECT_EQ(vm_compile(a.v, VM_JIT), -DIAG_V013);
	uint64_t mem = 5, r0 = 0;
	ASSERT_EQ(b.load(c, 4), 0);
	vm_trust(b.v);
	ASSERT_EQ(vm_compile(b.v, VM_JIT), 0) << vm_error(b.v);
	EXPECT_EQ(vm_run(b.v, &mem, 8, &r0), 0);
	EXPECT_EQ(r0, 5u);
	const void *o;
	size_t n;
	ASSERT_EQ(vm_emit(b.v, &o, &n), 0);
	Vm plain;
	EXPECT_EQ(vm_load_object(plain.v, o, n, nullptr), -DIAG_L008);
}
