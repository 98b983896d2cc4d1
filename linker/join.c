/* SPDX-License-Identifier: MIT
 *
 * join.c - several hook objects in one relocatable file, for any linker or ours.
 *
 * Sections keep their contents and relocations; only their numbers and those of symbols
 * change.  Several sections of one name are what `ld -r` would concatenate, and what
 * lnk_add_object reads one after the other. */
#include <elf.h>
#include <string.h>

#include "elfout.h"
#include "link.h"
#include "lnk.h"

struct join {
	struct arena *arena;
	struct lnk   *lnk;
	struct blob   file, names, strings;	/* names: of sections */
	Elf64_Shdr   *sh;
	size_t        n_sh, cap_sh;
	Elf64_Sym    *sym;
	size_t        n_sym, cap_sym;
	uint32_t    **new_sec, **new_sym;	/* by file, by old number; 0: dropped */
	const char  **global;		/* names that are taken */
	size_t        n_global, cap_global;
};

static Elf64_Shdr *add_section(struct join *j, const char *name, uint32_t type)
{
	Elf64_Shdr *sh = ARENA_PUSH(j->arena, j->sh, j->n_sh, j->cap_sh);

	sh->sh_name = blob_str(&j->names, name);
	sh->sh_type = type;
	sh->sh_addralign = 1;
	return sh;
}

static void fill(struct join *j, Elf64_Shdr *sh, const void *p, size_t n)
{
	sh->sh_offset = blob_add(&j->file, p, n, sh->sh_addralign);
	sh->sh_size = n;
}

/* Tables about the file itself are made anew, and groups have done their work. */
static bool carried(const struct obj_sec *s)
{
	switch (s->type) {
	case SHT_PROGBITS:
	case SHT_NOBITS:
	case SHT_NOTE:
	case SHT_X86_64_UNWIND:
		return strcmp(s->name, ".note.GNU-stack") && strcmp(s->name, ".comment");
	}
	return false;
}

static int carry_sections(struct join *j, size_t i, struct diags *dg)
{
	const struct obj_file *f = j->lnk->file[i];

	j->new_sec[i] = arena_array(j->arena, f->n_sec, sizeof(uint32_t));
	for (uint32_t k = 1; k < f->n_sec; k++) {
		const struct obj_sec *s = &f->sec[k];
		Elf64_Shdr *sh;

		if (!carried(s))
			continue;
		j->new_sec[i][k] = (uint32_t)j->n_sh;
		sh = add_section(j, s->name, s->type);
		sh->sh_flags = s->flags & (SHF_ALLOC | SHF_WRITE | SHF_EXECINSTR);
		sh->sh_addralign = s->align;
		fill(j, sh, s->data, s->data ? s->bytes : 0);
		sh->sh_size = s->bytes;
		if (j->file.n > OBJ_MAX_BYTES)
			return diag(dg, DIAG_L011, obj_loc(f, k, -1), "more than %d MiB",
				    OBJ_MAX_BYTES >> 20);
	}
	return 0;
}

/* Index of the name among the globals so far, or -1; adds it. */
static int64_t taken(struct join *j, const char *name)
{
	for (size_t i = 0; i < j->n_global; i++)
		if (!strcmp(j->global[i], name))
			return (int64_t)i;
	*ARENA_PUSH(j->arena, j->global, j->n_global, j->cap_global) = name;
	return -1;
}

static uint32_t put_symbol(struct join *j, const struct obj_sym *s, uint32_t sec, uint8_t bind)
{
	Elf64_Sym *out = ARENA_PUSH(j->arena, j->sym, j->n_sym, j->cap_sym);

	*out = (Elf64_Sym){
		.st_name = blob_str(&j->strings, s->name), .st_value = s->value,
		.st_size = s->bytes, .st_info = ELF64_ST_INFO(bind, s->type),
		.st_other = bind == STB_LOCAL ? STV_DEFAULT : s->visibility,
		.st_shndx = (uint16_t)sec,
	};
	return (uint32_t)j->n_sym - 1;
}

/* Local ones come first in a symbol table, so there are two rounds. */
static void carry_symbols(struct join *j, size_t i, bool globals)
{
	const struct obj_file *f = j->lnk->file[i];

	for (uint32_t k = 1; k < f->n_sym; k++) {
		const struct obj_sym *s = &f->sym[k];
		uint32_t sec = s->sec == SEC_ABS ? SHN_ABS :
			       s->sec == SEC_UNDEF ? SHN_UNDEF : j->new_sec[i][s->sec];
		bool local = s->bind == STB_LOCAL;

		if (s->sec != SEC_UNDEF && !sec)
			continue;
		if (s->sec != SEC_UNDEF && !local && !globals)
			local = taken(j, s->name) >= 0;	/* an earlier object's name */
		else if (!local && globals && j->new_sym[i][k])
			continue;	/* was made local in the first round */
		if (local == globals)
			continue;
		if (s->sec == SEC_UNDEF) {
			for (size_t n = 1; n < j->n_sym; n++)	/* one of each */
				if (j->sym[n].st_shndx == SHN_UNDEF &&
				    !strcmp((char *)j->strings.p + j->sym[n].st_name, s->name))
					j->new_sym[i][k] = (uint32_t)n;
			if (j->new_sym[i][k])
				continue;
		}
		j->new_sym[i][k] = put_symbol(j, s, sec, local ? STB_LOCAL : s->bind);
	}
}

static int carry_relocs(struct join *j, size_t i, uint32_t symtab, struct diags *dg)
{
	const struct obj_file *f = j->lnk->file[i];

	for (uint32_t k = 1; k < f->n_sec; k++) {
		const struct obj_sec *s = &f->sec[k];
		Elf64_Shdr *sh;
		Elf64_Rela *out;

		if (!s->n_rel || !j->new_sec[i][k])
			continue;
		out = arena_array(j->arena, s->n_rel, sizeof(*out));
		for (size_t n = 0; n < s->n_rel; n++) {
			const struct obj_rel *r = &s->rel[n];

			if (r->sym && !j->new_sym[i][r->sym])
				return diag(dg, DIAG_L006, obj_loc(f, k, (int64_t)r->off),
					    "to a section that a hook object does not keep");
			out[n] = (Elf64_Rela){
				r->off, ELF64_R_INFO((uint64_t)j->new_sym[i][r->sym], r->type),
				r->addend };
		}
		sh = add_section(j, arena_printf(j->arena, ".rela%s", s->name), SHT_RELA);
		sh->sh_flags = SHF_INFO_LINK;
		sh->sh_link = symtab;
		sh->sh_info = j->new_sec[i][k];
		sh->sh_entsize = sizeof(*out);
		sh->sh_addralign = 8;
		fill(j, sh, out, s->n_rel * sizeof(*out));
	}
	return 0;
}

/* Symbols of all files, and their table. */
static uint32_t write_symbols(struct join *j)
{
	uint32_t n_local, symtab = (uint32_t)j->n_sh;
	Elf64_Shdr *sh;

	for (size_t i = 0; i < j->lnk->n_file; i++) {
		j->new_sym[i] = arena_array(j->arena, j->lnk->file[i]->n_sym, sizeof(uint32_t));
		carry_symbols(j, i, false);
	}
	n_local = (uint32_t)j->n_sym;
	for (size_t i = 0; i < j->lnk->n_file; i++)
		carry_symbols(j, i, true);
	sh = add_section(j, ".symtab", SHT_SYMTAB);
	sh->sh_link = symtab + 1;
	sh->sh_info = n_local;
	sh->sh_entsize = sizeof(*j->sym);
	sh->sh_addralign = 8;
	fill(j, sh, j->sym, j->n_sym * sizeof(*j->sym));
	sh = add_section(j, ".strtab", SHT_STRTAB);
	fill(j, sh, j->strings.p, j->strings.n);
	return symtab;
}

static int write_file(struct join *j, struct diags *dg)
{
	size_t n = j->lnk->n_file;
	uint32_t symtab;
	Elf64_Ehdr eh = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			     EV_CURRENT },
		.e_type = ET_REL, .e_machine = j->lnk->cpu->machine, .e_version = EV_CURRENT,
		.e_ehsize = sizeof(eh), .e_shentsize = sizeof(Elf64_Shdr),
	};
	Elf64_Shdr *sh;

	blob_add(&j->file, NULL, sizeof(eh), 1);
	add_section(j, "", SHT_NULL)->sh_addralign = 0;
	memset(ARENA_PUSH(j->arena, j->sym, j->n_sym, j->cap_sym), 0, sizeof(*j->sym));
	blob_str(&j->strings, "");
	for (size_t i = 0; i < n; i++) {
		int err = carry_sections(j, i, dg);

		if (err < 0)
			return err;
	}
	add_section(j, ".note.GNU-stack", SHT_PROGBITS)->sh_offset = j->file.n;
	symtab = write_symbols(j);
	for (size_t i = 0; i < n; i++) {
		int err = carry_relocs(j, i, symtab, dg);

		if (err < 0)
			return err;
	}
	eh.e_shstrndx = (uint16_t)j->n_sh;
	sh = add_section(j, ".shstrtab", SHT_STRTAB);
	fill(j, sh, j->names.p, j->names.n);
	if (j->n_sh >= SHN_LORESERVE)
		return diag(dg, DIAG_L011, at_file(NULL), "%zu sections", j->n_sh);
	eh.e_shnum = (uint16_t)j->n_sh;
	eh.e_shoff = blob_add(&j->file, j->sh, j->n_sh * sizeof(*j->sh), 8);
	memcpy(j->file.p, &eh, sizeof(eh));
	return 0;
}

int link_objects(struct arena *a, const struct link_input *in, size_t n, struct bytes *out,
		 struct diags *dg)
{
	struct join j = { .arena = a, .file = { .arena = a }, .names = { .arena = a },
			  .strings = { .arena = a } };
	int err = 0;

	/* The same checks as for a payload; what an unverified object is, its stamp goes on
	 * saying. */
	j.lnk = lnk_new(a, (struct bytes){ 0 });
	for (size_t i = 0; i < n && err >= 0; i++)
		err = lnk_add_object(j.lnk, in[i].path, in[i].obj, true, dg);
	if (err < 0)
		return err;
	j.new_sec = arena_array(a, n, sizeof(*j.new_sec));
	j.new_sym = arena_array(a, n, sizeof(*j.new_sym));
	err = write_file(&j, dg);
	*out = (struct bytes){ j.file.p, j.file.n };
	return err;
}
