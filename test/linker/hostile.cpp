// SPDX-License-Identifier: MIT
// Every refusal of the payload linker, provoked by one change to a good object.
#include <gtest/gtest.h>

#include <elf.h>

#include <functional>
#include <string>
#include <vector>

#include "file.h"
#include "hooks.h"
#include "link.h"
#include "objfile.h"
#include "payload.h"

namespace {

// A good object that a case spoils.
struct Spoiled {
	std::vector<uint8_t> b;
	arena *a = arena_new();
	obj_file f = {};

	explicit Spoiled(const char *path)
	{
		diags dg = {};
		bytes in;
		EXPECT_EQ(file_read(a, path, &in, nullptr, &dg), 0);
		b.assign(in.p, in.p + in.n);
		EXPECT_EQ(objfile_read(a, path, {b.data(), b.size()}, &f, &dg), 0);
	}
	~Spoiled() { arena_free(a); }
	Elf64_Ehdr *eh() { return (Elf64_Ehdr *)b.data(); }
	Elf64_Shdr *sh(const char *name)
	{
		uint32_t i = obj_find(&f, name);
		EXPECT_NE(i, 0u) << name;
		return (Elf64_Shdr *)(b.data() + eh()->e_shoff) + i;
	}
	template <typename T> T *in(const char *sec, size_t off = 0)
	{
		return (T *)(b.data() + sh(sec)->sh_offset + off);
	}
	Elf64_Rela *rela(const char *sec, size_t i)
	{
		return in<Elf64_Rela>((std::string(".rela") + sec).c_str()) + i;
	}
	Elf64_Sym *sym(const char *name)
	{
		for (uint32_t i = 1; i < f.n_sym; i++)
			if (!strcmp(f.sym[i].name, name))
				return in<Elf64_Sym>(".symtab") + i;
		ADD_FAILURE() << name;
		return nullptr;
	}
	bpftime_map *map(int i) { return in<bpftime_map>(".bpftime.maps") + i; }
	objfmt_hook *hook(int i) { return in<objfmt_hook>(".bpftime.hooks") + i; }
	objfmt_stamp *stamp() { return in<objfmt_stamp>(".bpftime.stamp"); }
	objfmt_object *object() { return in<objfmt_object>(".bpftime.object"); }
};

struct Case {
	const char *name;
	diag_code code;
	std::function<void(Spoiled &)> spoil;
};

void PrintTo(const Case &c, std::ostream *os) { *os << c.name; }

const uint64_t PC32 = R_X86_64_PC32;

// .bpftime.object: 0 maps, 1 hooks, 2 stamp, 3 name.  .bpftime.maps: 0 name, 1 object,
// 2 room; 3 name, 4 object, 5 slot.  .bpftime.hooks: 0 entry, 1 body, 2 prog, 3 spec; 4 entry ..
#define CASE(name_, code_, ...) {#name_, DIAG_##code_, [](Spoiled &s) { __VA_ARGS__; }},
const Case cases[] = {
	CASE(NotElf, L001, s.b[0] = 0)
	CASE(Executable, L001, s.eh()->e_type = ET_EXEC)
	CASE(NoTables, L001, s.in<char>(".shstrtab")[s.sh(".bpftime.object")->sh_name] = 'x')
	CASE(Empty, L001, s.b.clear())
	CASE(Class32, L003, s.b[EI_CLASS] = ELFCLASS32)
	CASE(BigEndian, L003, s.b[EI_DATA] = ELFDATA2MSB)
	CASE(ForeignMachine, L003, s.eh()->e_machine = EM_BPF)

	CASE(NoSections, L002, s.eh()->e_shnum = 0)
	CASE(SectionHeadersOutside, L002, s.eh()->e_shoff = s.b.size() - 64)
	CASE(SectionHeadersWrap, L002, s.eh()->e_shoff = UINT64_MAX - 63)
	CASE(SectionOutside, L002, s.sh(".bpftime.str")->sh_offset = s.b.size())
	CASE(SectionWraps, L002, s.sh(".bpftime.str")->sh_offset = UINT64_MAX)
	CASE(SectionHuge, L002, s.sh(".bpftime.room.calls")->sh_size = 1ull << 60)
	CASE(SectionNameOutside, L002, s.sh(".bpftime.str")->sh_name = 0xffffff)
	CASE(SectionNames, L002, s.eh()->e_shstrndx = 0xff00)
	CASE(OddAlignment, L002, s.sh(".bpftime.str")->sh_addralign = 3)
	CASE(HugeAlignment, L002, s.sh(".bpftime.str")->sh_addralign = 1 << 20)
	CASE(SymbolOutside, L002, s.sym("entry_a")->st_value = 1 << 20)
	CASE(SymbolOfNoSection, L002, s.sym("entry_a")->st_shndx = 0x7000)
	CASE(SymbolNameOutside, L002, s.sym("entry_a")->st_name = 0x7fffffff)
	CASE(SymbolSize, L002, s.sh(".symtab")->sh_entsize = 23)
	CASE(SymbolsWithoutNames, L002, s.sh(".symtab")->sh_link = 0)
	CASE(SecondSymbolTable, L002,
	     s.sh(".bpftime.str")->sh_flags = 0; s.sh(".bpftime.str")->sh_type = SHT_SYMTAB)
	CASE(RelocationOutside, L002, s.rela(".text.entry_a", 0)->r_offset = 31)
	CASE(RelocationFarOutside, L002, s.rela(".text.entry_a", 0)->r_offset = UINT64_MAX)
	CASE(RelocationBefore, L002, s.rela(".text.entry_a", 2)->r_offset = 1)
	CASE(RelocationsOverlap, L002, s.rela(".bpftime.maps", 1)->r_offset -= 2)
	CASE(RelocationSymbol, L002,
	     s.rela(".text.entry_a", 0)->r_info = ELF64_R_INFO(99999, PC32))
	CASE(RelocationsOfNothing, L002, s.sh(".rela.text.entry_a")->sh_info = 0x7fff)
	CASE(RelocationsTwice, L002,
	     s.sh(".rela.text.entry_a")->sh_info = s.sh(".rela.text.body_a")->sh_info)
	CASE(RelocationSize, L002, s.sh(".rela.text.entry_a")->sh_entsize = 16)
	CASE(RelWithoutAddends, L002, s.sh(".rela.text.entry_a")->sh_type = SHT_REL)

	CASE(UnwindRecordTooLong, L002, *s.in<uint32_t>(".eh_frame") = 0x10000)
	CASE(UnwindRecordTooShort, L002, *s.in<uint32_t>(".eh_frame") = 2)

	CASE(Tls, L004, s.sh(".bpftime.slots")->sh_flags |= SHF_TLS)
	CASE(WritableCode, L004, s.sh(".text.entry_a")->sh_flags |= SHF_WRITE)
	CASE(Constructor, L004, s.sh(".bpftime.slots")->sh_type = SHT_INIT_ARRAY)
	CASE(Compressed, L004, s.sh(".bpftime.str")->sh_flags |= SHF_COMPRESSED)
	CASE(UnknownSection, L004, s.sh(".bpftime.str")->sh_type = SHT_DYNAMIC)
	CASE(Common, L004, s.sym("dead")->st_shndx = SHN_COMMON)
	CASE(Ifunc, L004, s.sym("entry_a")->st_info = ELF64_ST_INFO(STB_GLOBAL, STT_GNU_IFUNC))
	CASE(DefinesRuntime, L004, s.sym("bpftime_rt1_cold")->st_shndx = 1)

	CASE(ObjectCut, L005, s.sh(".bpftime.object")->sh_size = 36)
	CASE(ObjectWritable, L005, s.sh(".bpftime.object")->sh_flags |= SHF_WRITE)
	CASE(NoName, L005, s.rela(".bpftime.object", 3)->r_info = 0)
	CASE(NoStamp, L005, s.rela(".bpftime.object", 2)->r_info = 0)
	CASE(NoMaps, L005, s.rela(".bpftime.object", 0)->r_info = 0)
	CASE(NoHooks, L005, s.rela(".bpftime.object", 1)->r_info = 0)
	CASE(TooManyMaps, L005, s.object()->n_maps = 3)
	CASE(FarTooManyMaps, L005, s.object()->n_maps = UINT32_MAX)
	CASE(TooManyHooks, L005, s.object()->n_hooks = UINT32_MAX)
	CASE(MapsOutside, L005, s.rela(".bpftime.object", 0)->r_addend = 8)
	CASE(MapsFarOutside, L005, s.rela(".bpftime.object", 0)->r_addend = -8)
	CASE(NameDoesNotEnd, L005, s.sh(".bpftime.str")->sh_size -= 1)
	CASE(NameEmpty, L005, *s.in<char>(".bpftime.str") = 0)
	CASE(NameWithSlash, L005, *s.in<char>(".bpftime.str") = '/')
	CASE(MapNameWithSlash, L005, s.in<char>(".bpftime.str")[8] = '/')
	CASE(MapNameDots, L005, memcpy(s.in<char>(".bpftime.str", 7), "..", 3))
	CASE(MapNameReserved, L005, memcpy(s.in<char>(".bpftime.str", 7), ".btf", 5))
	CASE(MapNamesEqual, L005,
	     s.rela(".bpftime.maps", 4)->r_addend = s.rela(".bpftime.maps", 0)->r_addend)
	CASE(NameLeadsOutOfObject, L005,
	     s.rela(".bpftime.maps", 0)->r_info =
		     s.rela(".text.entry_ret", 0)->r_info - R_X86_64_PLT32 + PC32)
	CASE(NameByGot, L005, s.rela(".bpftime.maps", 0)->r_info += R_X86_64_GOTPCREL - PC32)
	CASE(RelocatedNumber, L005, s.rela(".bpftime.maps", 2)->r_offset += 8)
	CASE(RelocatedHalfPointer, L005, s.rela(".bpftime.maps", 2)->r_offset += 2)
	CASE(RelocatedString, L005, s.sh(".rela.text.entry_ret")->sh_info =
	     obj_find(&s.f, ".bpftime.str"))
	CASE(RelocatedStamp, L005, s.sh(".rela.text.entry_ret")->sh_info =
	     obj_find(&s.f, ".bpftime.stamp"))
	CASE(MapOfNobody, L005, s.rela(".bpftime.maps", 1)->r_addend = 4)
	CASE(MapType, L005, s.map(0)->type = 9999)
	CASE(MapKeySize, L005, s.map(0)->key_size = 8)
	CASE(MapEmpty, L005, s.map(0)->max_entries = 0)
	CASE(RoomSmall, L005, s.map(0)->max_entries = 513)
	CASE(RoomNotPages, L005, s.map(0)->room_bytes = 4000)
	CASE(ArenaPagesOfAnArray, L005, s.map(0)->arena_rel = 16)
	CASE(ArenaPagesNowhere, L005, s.map(0)->arena_rel = INT32_MAX)
	CASE(RoomLarge, L005, s.map(0)->room_bytes = 8192)
	CASE(RoomUnaligned, L005, s.sh(".bpftime.room.calls")->sh_addralign = 64)
	CASE(RoomElsewhere, L005,
	     s.rela(".bpftime.maps", 2)->r_info = s.rela(".bpftime.maps", 6)->r_info)
	CASE(RoomOfSlotMap, L005, s.map(0)->type = 1)
	CASE(RoomOverflow, L005,
	     s.map(0)->value_size = UINT32_MAX; s.map(0)->max_entries = UINT32_MAX)
	CASE(RoomBytesWithoutRoom, L005, s.map(1)->room_bytes = 4096)
	CASE(SlotAndRoom, L005, s.map(0)->slot_rel = 8)
	CASE(SlotElsewhere, L005,
	     s.rela(".bpftime.maps", 6)->r_info = s.rela(".bpftime.maps", 2)->r_info)
	CASE(SlotOutside, L005, s.rela(".bpftime.maps", 6)->r_addend = 8)
	CASE(KindMissing, L005, s.rela(".bpftime.maps", 7)->r_info = 0)
	CASE(KindOfAnother, L005, s.rela(".bpftime.maps", 7)->r_info = s.rela(".bpftime.maps", 3)->r_info)
	CASE(KindOfTheObjects, L005, s.rela(".bpftime.maps", 7)->r_info = s.rela(".bpftime.maps", 0)->r_info)
	CASE(KindBeside, L005, s.rela(".bpftime.maps", 7)->r_addend = 8)
	CASE(KindWeak, L005,
	     s.sym("bpftime_rt1_kind_hash")->st_info = ELF64_ST_INFO(STB_WEAK, STT_NOTYPE))
	CASE(InnerElsewhere, L005, s.map(1)->inner_rel = -4)
	CASE(InnerItself, L005, s.map(1)->inner_rel = -(int)offsetof(bpftime_map, inner_rel))
	CASE(OuterWithoutTemplate, L005, s.map(1)->type = 12 /* array_of_maps */; s.map(1)->key_size = 4; s.map(1)->value_size = 4)
	CASE(TemplateWithData, L005, s.map(1)->bits = MAP_BIT_TEMPLATE)
	CASE(HookKind, L005, s.hook(0)->kind = 200)
	CASE(HookForm, L005, s.hook(0)->form = 3)
	CASE(HookMask, L005, s.hook(0)->ctx_mask = 1u << CTX_FIELDS)
	CASE(HookMaskNotNatural, L005, s.hook(0)->ctx_mask = 1u << CTX_AX)
	CASE(HookMaskTooMany, L005, s.hook(0)->form = ENTRY_PACKED; s.hook(0)->ctx_mask = 0x7f)
	CASE(HookEntryIsData, L005,
	     s.rela(".bpftime.hooks", 0)->r_info = s.rela(".bpftime.hooks", 2)->r_info)
	CASE(HookEntryOutside, L005, s.rela(".bpftime.hooks", 0)->r_addend = 1 << 20)
	CASE(HookEntryAtEnd, L005, s.rela(".bpftime.hooks", 4)->r_addend = 6)
	CASE(HookWithoutEntry, L005, s.rela(".bpftime.hooks", 0)->r_info = 0)
	CASE(StampTargetDoesNotEnd, L005, memset(s.stamp()->target + 6, '-', 26))
	CASE(StampOtherCpu, L005, strcpy(s.stamp()->target, "x86_64x"))
	CASE(StampVerdict, L005, s.stamp()->verdict = 0)

	CASE(Absolute64, L006, s.rela(".bpftime.maps", 0)->r_info += R_X86_64_64 - PC32)
	CASE(Absolute32S, L006, s.rela(".text.entry_a", 0)->r_info += R_X86_64_32S - PC32)
	CASE(ThreadLocal, L006, s.rela(".text.entry_a", 0)->r_info += R_X86_64_TPOFF32 - PC32)
	CASE(UnknownKind, L006, s.rela(".text.entry_a", 0)->r_info += 200)
	CASE(ToWhatIsNotLoaded, L006, s.sh(".rodata.scale")->sh_flags = 0)
	CASE(GotInData, L006, s.rela(".text.entry_a", 1)->r_info += R_X86_64_GOTPCREL - PC32)
	CASE(TooFar, L007, s.rela(".text.entry_a", 0)->r_addend = 1ll << 40)
	CASE(Unverified, L008, s.stamp()->verdict = VERDICT_UNVERIFIED)
	CASE(ObjectVersion, L010, s.object()->version = 1)
	CASE(MapVersion, L010, s.map(1)->size += 8)
	CASE(HookVersion, L010, s.hook(1)->version = 0)
	CASE(StampVersion, L010, s.stamp()->size = 0)
	CASE(RuntimeAbi, L010, s.stamp()->rt_abi = 2)
	CASE(RoomsTooLarge, L011,
	     s.sh(".bpftime.room.calls")->sh_size = s.map(0)->room_bytes = 1 << 21)
	CASE(PayloadTooLarge, L011, s.sh(".bpftime.room.calls")->sh_size = OBJ_MAX_BYTES)
	CASE(Undefined, L012, s.in<char>(".strtab")[s.sym("bpftime_rt1_cold")->st_name] = 'x')
	CASE(UndefinedRuntime, L012,
	     s.in<char>(".strtab")[s.sym("bpftime_rt1_cold")->st_name + 12] = 'x')
	CASE(AbsoluteSymbol, L012,
	     s.sym("bpftime_rt1_cold")->st_shndx = SHN_ABS; s.sym("bpftime_rt1_cold")->st_info = 0)
	CASE(VectorCode, L013, memcpy(s.in<uint8_t>(".text.dead"), "\x66\x0f\xef\xc0\x90\x90", 6))
	CASE(X87Code, L013, memcpy(s.in<uint8_t>(".text.dead"), "\xd9\xee\x90\x90\x90\xc3", 6))
	CASE(StackProtector, L013,
	     memcpy(s.in<uint8_t>(".text.entry_a"), "\x64\x48\x8b\x04\x25\x28\0\0\0", 9);
	     s.rela(".text.entry_a", 0)->r_info = 0)
	CASE(NoCode, L013, s.in<uint8_t>(".text.dead")[0] = 0x06)
};

struct Hostile : testing::TestWithParam<Case> {};

int build(const Spoiled &s, diags *dg)
{
	arena *a = arena_new();
	bytes archive, rx, rw;
	lnk_target t = {};
	lnk_size size;
	EXPECT_EQ(file_read(a, TEST_RT, &archive, nullptr, dg), 0);
	lnk *l = lnk_new(a, archive);
	int err = lnk_add_object(l, "spoiled.hook.o", {s.b.data(), s.b.size()}, false, dg);
	if (!err)
		err = lnk_layout(l, &t, 0, 0, &size, dg);
	if (!err)
		err = lnk_place(l, 0x400000, 0x500000, dg);
	if (!err)
		err = lnk_finish(l, &rx, &rw, dg);
	arena_free(a);
	return err;
}

TEST_P(Hostile, IsRefused)
{
	Spoiled s(TEST_HOOK_A);
	diags dg = {};
	ASSERT_EQ(build(s, &dg), 0) << dg.first_text;
	GetParam().spoil(s);
	EXPECT_EQ(build(s, &dg), -GetParam().code) << diag_name(dg.first) << " " << dg.first_text;
	EXPECT_EQ(dg.errors, 1u);
	EXPECT_EQ(diags_exit(&dg), EX_REFUSED);
}

INSTANTIATE_TEST_SUITE_P(Objects, Hostile, testing::ValuesIn(cases),
			 [](const auto &info) { return info.param.name; });

TEST(HostileArchive, IsRefused)
{
	arena *a = arena_new();
	diags dg = {};
	bytes good, obj;
	lnk_target t = {};
	lnk_size size;
	ASSERT_EQ(file_read(a, TEST_RT, &good, nullptr, &dg), 0);
	ASSERT_EQ(file_read(a, TEST_HOOK_A, &obj, nullptr, &dg), 0);
	auto layout = [&](std::vector<uint8_t> archive) {
		lnk *l = lnk_new(a, {archive.data(), archive.size()});
		EXPECT_EQ(lnk_add_object(l, "a", obj, false, &dg), 0);
		lnk_require(l, "bpftime_rt1_tramp_got");
		return lnk_layout(l, &t, 0, 0, &size, &dg);
	};
	std::vector<uint8_t> b(good.p, good.p + good.n), none(good.p, good.p + 8);
	EXPECT_EQ(layout(b), 0);
	EXPECT_EQ(layout({}), -DIAG_L009);
	EXPECT_EQ(layout(none), -DIAG_L012);	// no runtime in it
	b[8 + 48] = 'x';			// size of the first member
	EXPECT_EQ(layout(b), -DIAG_L009);
	b[8 + 48] = '9';
	b[8 + 49] = b[8 + 50] = '9';
	b[8 + 55] = '9';
	EXPECT_EQ(layout(b), -DIAG_L009);
	b.assign(good.p, good.p + good.n - 100);
	EXPECT_EQ(layout(b), -DIAG_L009);
	b.assign(good.p, good.p + good.n);
	// rt_twice: lea (%rdi,%rdi),%rax; ret -> xorps %xmm0,%xmm0; nop; ret
	uint8_t *lea = (uint8_t *)memmem(b.data(), b.size(), "\x48\x8d\x04\x3f\xc3", 5);
	ASSERT_NE(lea, nullptr);
	memcpy(lea, "\x0f\x57\xc0\x90", 4);
	EXPECT_EQ(layout(b), -DIAG_L013);
	arena_free(a);
}

}  // namespace
