/* SPDX-License-Identifier: MIT
 *
 * elf64.h - the structures of ELF files (elf.h's Elf64_*) that are mapped in this process. */
#ifndef BPFTIME_RUNTIME_ELF64_H
#define BPFTIME_RUNTIME_ELF64_H

#include "rt_base.h"

struct rt_ehdr {
	uint8_t  ident[16];
	uint16_t type, machine;
	uint32_t version;
	uint64_t entry, phoff, shoff;
	uint32_t flags;
	uint16_t ehsize, phentsize, phnum, rest[3];
};

struct rt_phdr {
	uint32_t type, flags;
	uint64_t offset, vaddr, paddr, filesz, memsz, align;
};

struct rt_sym {
	uint32_t name;
	uint8_t  info, other;
	uint16_t shndx;
	uint64_t value, size;
};

#endif
