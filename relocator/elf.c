/* SPDX-License-Identifier: MIT
 *
 * The ELF container: sections, symbols, relocation records.  libelf checks that sections
 * lie inside the file; contents are read through struct bytes. */
#include <elf.h>
#include <gelf.h>
#include <libelf.h>

#include "file.h"
#include "obj.h"

enum { MACHINE_BPF = 247 };

static bool has_prefix(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

/* ".data" is one, so is ".data.x", ".database" is not. */
static bool is_or_below(const char *s, const char *name)
{
	size_t n = strlen(name);

	return !strncmp(s, name, n) && (!s[n] || s[n] == '.');
}

static enum obj_role role_of(const struct obj_sec *s)
{
	if (s->type == SHT_PROGBITS && s->flags & SHF_EXECINSTR)
		return ROLE_CODE;
	if (!strcmp(s->name, ".maps"))
		return ROLE_MAPS;
	if (!(s->flags & SHF_ALLOC) || !s->size)
		return ROLE_OTHER;
	if (s->type == SHT_NOBITS)
		return is_or_below(s->name, ".bss") ? ROLE_BSS : ROLE_OTHER;
	if (is_or_below(s->name, ".data"))
		return ROLE_DATA;
	if (is_or_below(s->name, ".rodata"))
		return ROLE_RODATA;
	if (!strcmp(s->name, ".addr_space.1"))
		return ROLE_ARENA;
	return ROLE_OTHER;
}

/* Sections whose meaning is lost without a kernel behind them. */
static int refuse_section(const struct obj *o, const struct obj_sec *s)
{
	if (!strcmp(s->name, "maps") || has_prefix(s->name, "maps/")) {
		diag(o->dg, DIAG_R006, at_sec(o, s->name, -1),
		     "struct bpf_map_def is gone since libbpf 1.0");
		diag_more(o->dg, "write it as  struct { __uint(type, ..); __type(key, ..); .. } "
				 "name SEC(\".maps\");");
		return -DIAG_R006;
	}
	if (has_prefix(s->name, ".struct_ops") || has_prefix(s->name, "struct_ops"))
		return diag(o->dg, DIAG_R014, at_sec(o, s->name, -1),
			    "struct_ops has no meaning in a process");
	if (has_prefix(s->name, ".addr_space") && s->role != ROLE_ARENA && s->size)
		return diag(o->dg, DIAG_R014, at_sec(o, s->name, -1),
			    "of address spaces there is one, 1, for variables in an arena");
	if (!strcmp(s->name, ".jumptables"))
		return diag(o->dg, DIAG_R014, at_sec(o, s->name, -1),
			    "indirect jumps; compile with -fno-jump-tables");
	return 0;
}

static int read_sections(struct obj *o, Elf *elf)
{
	size_t strndx, i = 0;
	Elf_Scn *scn = NULL;
	int err;

	if (elf_getshdrnum(elf, &o->n_sec) || elf_getshdrstrndx(elf, &strndx))
		return diag(o->dg, DIAG_R002, at_file(o->path), "%s", elf_errmsg(-1));
	if (!o->n_sec || o->n_sec >= SHN_LORESERVE)
		return diag(o->dg, DIAG_R002, at_file(o->path), "%zu sections", o->n_sec);
	o->sec = arena_array(o->tmp, o->n_sec, sizeof(*o->sec));
	o->sec[0].name = "";
	o->sec[0].map = -1;
	while ((scn = elf_nextscn(elf, scn)) && ++i < o->n_sec) {
		struct obj_sec *s = &o->sec[i];
		Elf_Data *d;
		GElf_Shdr h;

		if (!gelf_getshdr(scn, &h) || !(s->name = elf_strptr(elf, strndx, h.sh_name)))
			return diag(o->dg, DIAG_R002, at_file(o->path), "section %zu: %s", i,
				    elf_errmsg(-1));
		s->type = h.sh_type;
		s->flags = h.sh_flags;
		s->link = h.sh_link;
		s->info = h.sh_info;
		s->entsize = h.sh_entsize;
		s->size = h.sh_size;
		s->map = -1;
		if (s->type != SHT_NOBITS && s->type != SHT_NULL && s->size) {
			d = elf_rawdata(scn, NULL);
			if (!d || !d->d_buf || d->d_size != s->size)
				return diag(o->dg, DIAG_R002, at_sec(o, s->name, -1),
					    "section outside the file");
			s->data = (struct bytes){ d->d_buf, d->d_size };
		}
		s->role = role_of(s);
		err = refuse_section(o, s);
		if (err)
			return err;
	}
	return 0;
}

static int read_symbols(struct obj *o)
{
	const struct obj_sec *st = NULL;
	struct bytes str;

	for (size_t i = 0; i < o->n_sec; i++)
		if (o->sec[i].type == SHT_SYMTAB) {
			if (st)
				return diag(o->dg, DIAG_R002, at_sec(o, o->sec[i].name, -1),
					    "second symbol table");
			st = &o->sec[i];
		}
	if (!st)
		return diag(o->dg, DIAG_R001, at_file(o->path),
			    "no symbol table: was it stripped?");
	if (st->link >= o->n_sec || st->data.n % sizeof(Elf64_Sym))
		return diag(o->dg, DIAG_R002, at_sec(o, st->name, -1), "symbol table");
	str = o->sec[st->link].data;
	o->n_sym = st->data.n / sizeof(Elf64_Sym);
	o->sym = arena_array(o->tmp, o->n_sym, sizeof(*o->sym));
	for (size_t i = 0; i < o->n_sym; i++) {
		struct obj_sym *y = &o->sym[i];
		Elf64_Sym e;

		bytes_get(st->data, i * sizeof(e), &e, sizeof(e));
		y->name = bytes_str(str, e.st_name);
		y->type = ELF64_ST_TYPE(e.st_info);
		y->bind = ELF64_ST_BIND(e.st_info);
		y->vis = ELF64_ST_VISIBILITY(e.st_other);
		y->sec = e.st_shndx;
		y->value = e.st_value;
		y->size = e.st_size;
		if (i && (!y->name || (y->sec >= o->n_sec && y->sec < SHN_LORESERVE)))
			return diag(o->dg, DIAG_R002, at_sec(o, st->name, (int64_t)(i * sizeof(e))),
				    "symbol %zu", i);
		if (!y->name)
			y->name = "";
		if (y->type == STT_SECTION && !y->name[0] && y->sec < o->n_sec)
			y->name = o->sec[y->sec].name;
	}
	return 0;
}

static int check_header(struct obj *o, struct bytes file, Elf *elf)
{
	GElf_Ehdr h;

	if (file.n < SELFMAG || memcmp(file.p, ELFMAG, SELFMAG))
		return diag(o->dg, DIAG_R001, at_file(o->path), "not an ELF file");
	if (!elf || elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &h))
		return diag(o->dg, DIAG_R002, at_file(o->path), "%s", elf_errmsg(-1));
	if (h.e_machine != MACHINE_BPF)
		return diag(o->dg, DIAG_R001, at_file(o->path),
			    "ELF for machine %u, not BPF: compile with clang -target bpf",
			    h.e_machine);
	if (h.e_ident[EI_CLASS] != ELFCLASS64 || h.e_ident[EI_DATA] != ELFDATA2LSB)
		return diag(o->dg, DIAG_R001, at_file(o->path),
			    "big-endian BPF: compile with -target bpfel");
	if (h.e_type != ET_REL)
		return diag(o->dg, DIAG_R001, at_file(o->path), "not a relocatable file");
	return 0;
}

int obj_open(struct obj *o)
{
	struct bytes file;
	Elf *elf;
	int err;

	err = file_read(o->a, o->path, &file, NULL, o->dg);
	if (err)
		return err;
	elf_version(EV_CURRENT);
	/* elf_memory() takes char *, and does not write to it when nothing is updated. */
	elf = elf_memory((char *)(uintptr_t)file.p, file.n);
	err = check_header(o, file, elf);
	if (!err)
		err = read_sections(o, elf);
	elf_end(elf);	/* section bytes and names are in `file` */
	return err ? err : read_symbols(o);
}

const struct obj_sec *obj_sec_named(const struct obj *o, const char *name)
{
	for (size_t i = 1; i < o->n_sec; i++)
		if (!strcmp(o->sec[i].name, name))
			return &o->sec[i];
	return NULL;
}

int obj_rels(struct obj *o, uint32_t sec, struct obj_rel **out, size_t *n)
{
	size_t cap = 0;

	*out = NULL;
	*n = 0;
	for (size_t i = 1; i < o->n_sec; i++) {
		const struct obj_sec *s = &o->sec[i];

		if ((s->type != SHT_REL && s->type != SHT_RELA) || s->info != sec)
			continue;
		if (s->type == SHT_RELA || s->data.n % sizeof(Elf64_Rel))
			return diag(o->dg, DIAG_R002, at_sec(o, s->name, -1), "relocation section");
		for (uint64_t off = 0; off < s->data.n; off += sizeof(Elf64_Rel)) {
			struct obj_rel *r = ARENA_PUSH(o->tmp, *out, *n, cap);
			Elf64_Rel e;

			bytes_get(s->data, off, &e, sizeof(e));
			r->off = e.r_offset;
			r->sym = ELF64_R_SYM(e.r_info);
			r->type = ELF64_R_TYPE(e.r_info);
			if (r->sym >= o->n_sym)
				return diag(o->dg, DIAG_R002, at_sec(o, s->name, (int64_t)off),
					    "no symbol %u", r->sym);
		}
	}
	return 0;
}
