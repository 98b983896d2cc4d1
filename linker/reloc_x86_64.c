/* SPDX-License-Identifier: MIT
 *
 * reloc_x86_64.c - relocations of x86-64 in a payload.
 *
 * A payload runs wherever it is mapped and nobody relocates it there: only differences of
 * addresses can be written.  A load from the GOT becomes the address itself, as the psABI
 * (x86-64 supplement 1.0, B.2 "Optimize GOTPCRELX Relocations") describes; what would
 * need a real GOT entry is refused.
 * Source of kinds and fields: psABI table 4.9. */
#include <elf.h>
#include <string.h>

#include "check_x86_64.h"

#define ABSOLUTE "an absolute address would need relocating where the payload runs"
#define TLS "a payload has no thread-local data"
#define IN_MEMORY "an instruction that needs the address in memory"
#define GOT "a payload has no global offset table"

static const struct reloc_desc descs[] = {
#define OK(name_, bytes_, before_, rel32_)                                                   \
	[R_X86_64_##name_] = { "R_X86_64_" #name_, NULL, bytes_, before_, rel32_ },
#define NO(name_, reason_) [R_X86_64_##name_] = { "R_X86_64_" #name_, reason_, 0, 0, false },
	OK(NONE,          0, 0, false)
	OK(PC32,          4, 0, true)
	OK(PLT32,         4, 0, true)
	OK(PC64,          8, 0, false)
	OK(GOTPCREL,      4, 2, false)
	OK(GOTPCRELX,     4, 2, false)
	OK(REX_GOTPCRELX, 4, 3, false)
	NO(64,            ABSOLUTE)
	NO(32,            ABSOLUTE)
	NO(32S,           ABSOLUTE)
	NO(16,            ABSOLUTE)
	NO(8,             ABSOLUTE)
	NO(PC16,          "16-bit displacement")
	NO(PC8,           "8-bit displacement")
	NO(RELATIVE,      ABSOLUTE)
	NO(GLOB_DAT,      "dynamic relocation")
	NO(JUMP_SLOT,     "dynamic relocation")
	NO(COPY,          "dynamic relocation")
	NO(IRELATIVE,     "dynamic relocation")
	NO(SIZE32,        "size of a symbol")
	NO(SIZE64,        "size of a symbol")
	NO(GOT32,         GOT)
	NO(GOT64,         GOT)
	NO(GOTOFF64,      GOT)
	NO(GOTPC32,       GOT)
	NO(GOTPC64,       GOT)
	NO(GOTPCREL64,    GOT)
	NO(GOTPLT64,      GOT)
	NO(PLTOFF64,      GOT)
	NO(DTPMOD64,      TLS)
	NO(DTPOFF64,      TLS)
	NO(DTPOFF32,      TLS)
	NO(TPOFF64,       TLS)
	NO(TPOFF32,       TLS)
	NO(GOTTPOFF,      TLS)
	NO(TLSGD,         TLS)
	NO(TLSLD,         TLS)
	NO(TLSDESC,       TLS)
	NO(TLSDESC_CALL,  TLS)
	NO(GOTPC32_TLSDESC, TLS)
#undef OK
#undef NO
};

static const struct reloc_desc *desc(uint32_t type)
{
	if (type >= sizeof(descs) / sizeof(descs[0]) || !descs[type].name)
		return NULL;
	return &descs[type];
}

/* S + A - P in 32 bits. */
static const char *put_rel32(const struct reloc_in *in, bool *range)
{
	int64_t v = (int64_t)(in->s_vaddr + (uint64_t)in->addend - in->p_vaddr);
	int32_t v32 = (int32_t)v;

	if (in->absent)
		return "an undefined weak symbol has no place";
	*range = v != v32;
	if (*range)
		return "more than 2 GiB away";
	memcpy(in->field, &v32, 4);
	return NULL;
}

/* mov foo@GOTPCREL(%rip),%reg   48 8b /r   ->  lea foo(%rip),%reg   48 8d /r
 *   and for a symbol that is absent        ->  mov $0,%reg          48 c7 /0
 * call *foo@GOTPCREL(%rip)      ff 15      ->  addr32 call foo      67 e8
 * jmp *foo@GOTPCREL(%rip)       ff 25      ->  jmp foo; nop         e9 .. 90 */
static const char *put_got(const struct reloc_in *in, bool *range)
{
	uint8_t *op = in->field - 2, *modrm = in->field - 1;
	bool rex_w = in->type != R_X86_64_GOTPCRELX && in->off >= 3 &&
		     (in->field[-3] & 0xf8) == 0x48;
	struct reloc_in moved = *in;
	const char *why;

	if (!in->code)
		return GOT;
	if (in->addend != -4)
		return IN_MEMORY;
	if (op[0] == 0x8b && (*modrm & 0xc7) == 0x05 && rex_w) {
		uint8_t reg = *modrm >> 3 & 7, rex_r = in->field[-3] >> 2 & 1;

		if (in->absent) {
			in->field[-3] = (uint8_t)(0x48 | rex_r);
			op[0] = 0xc7;
			*modrm = (uint8_t)(0xc0 | reg);
			memset(in->field, 0, 4);
			return NULL;
		}
		why = put_rel32(in, range);
		if (!why)
			op[0] = 0x8d;
		return why;
	}
	if (op[0] == 0xff && *modrm == 0x15) {
		why = put_rel32(in, range);
		if (!why)
			memcpy(op, "\x67\xe8", 2);
		return why;
	}
	if (op[0] == 0xff && *modrm == 0x25) {
		moved.field = in->field - 1;	/* the displacement moves down by a byte */
		moved.p_vaddr = in->p_vaddr - 1;
		why = put_rel32(&moved, range);
		if (!why) {
			op[0] = 0xe9;
			in->field[3] = 0x90;
		}
		return why;
	}
	return IN_MEMORY;
}

static const char *apply(const struct reloc_in *in, bool *range)
{
	uint64_t v = in->s_vaddr + (uint64_t)in->addend - in->p_vaddr;

	*range = false;
	switch (in->type) {
	case R_X86_64_NONE:
		return NULL;
	case R_X86_64_PC32:
	case R_X86_64_PLT32:
		return put_rel32(in, range);
	case R_X86_64_PC64:
		if (in->absent)
			return "an undefined weak symbol has no place";
		memcpy(in->field, &v, 8);
		return NULL;
	case R_X86_64_GOTPCREL:
	case R_X86_64_GOTPCRELX:
	case R_X86_64_REX_GOTPCRELX:
		return put_got(in, range);
	}
	return "unknown kind";
}

const struct lnk_cpu lnk_cpu_x86_64 = {
	.machine = EM_X86_64,
	.name = "x86_64",
	.reloc = desc,
	.apply = apply,
	.check = x86_64_check,
	.cost = x86_64_cost,
	.body = x86_64_body,
};
