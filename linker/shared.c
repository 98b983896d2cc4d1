/* SPDX-License-Identifier: MIT
 *
 * shared.c - a payload as a shared object of its own.
 *
 *     page 0..   R    ELF header, program headers, build id, .hash, .dynsym, .dynstr
 *     next page  RX   the payload's read-only part
 *     next page  RW   .dynamic, on a page of its own: rooms and control area want whole ones
 *     next page  RW   the payload's writable part
 *     behind          section names and headers, not loaded
 * File offsets are addresses.  Nothing needs a relocation, so there is no relocation table.
 * .hash (System V ABI, chapter 5) is what glibc, musl and debuggers all read. */
#include <elf.h>
#include <string.h>

#include "elfout.h"
#include "link.h"
#include "lnk.h"

enum { N_PHDR = 6, N_DYN = 9, BUILD_ID_BYTES = 20, LOCAL_SYMBOLS = 1,
       NOTE_BYTES = sizeof(Elf64_Nhdr) + 4 + BUILD_ID_BYTES, SH_DYNSYM = 3, SH_DYNSTR, SH_TEXT };

struct shared {
	struct arena *arena;
	struct lnk   *lnk;
	struct blob   file, dynstr;
	Elf64_Sym    *sym;
	size_t        n_sym, cap_sym;
	uint32_t      soname;		/* in dynstr; 0: none */
	uint64_t      note, hash, dynsym, dynstr_at, head_bytes;
	uint64_t      rx, dynamic, rw;	/* places */
	struct lnk_size size;
};

static uint64_t pages(uint64_t n)
{
	return (n + OBJ_PAGE_BYTES - 1) / OBJ_PAGE_BYTES * OBJ_PAGE_BYTES;
}

static void add_symbol(struct shared *s, const char *name, uint8_t type)
{
	for (size_t i = 1; i < s->n_sym; i++)
		if (!strcmp((char *)s->dynstr.p + s->sym[i].st_name, name))
			return;	/* the first program of that name */
	*ARENA_PUSH(s->arena, s->sym, s->n_sym, s->cap_sym) = (Elf64_Sym){
		.st_name = blob_str(&s->dynstr, name),
		.st_info = ELF64_ST_INFO(STB_GLOBAL, type),
	};
}

/* Names are known before addresses are. */
static void choose_symbols(struct shared *s, const char *soname)
{
	blob_str(&s->dynstr, "");
	memset(ARENA_PUSH(s->arena, s->sym, s->n_sym, s->cap_sym), 0, sizeof(*s->sym));
	s->soname = soname ? blob_str(&s->dynstr, soname) : 0;
	add_symbol(s, "bpftime_rt1_payload", STT_OBJECT);
	for (size_t i = 0; i < lnk_n_hooks(s->lnk); i++)
		if (s->lnk->hook_ref[i].body.sec)
			add_symbol(s, lnk_hook(s->lnk, i)->prog, STT_FUNC);
}

static void set_symbols(struct shared *s)
{
	for (size_t i = 1; i < s->n_sym; i++) {
		const char *name = (char *)s->dynstr.p + s->sym[i].st_name;
		Elf64_Sym *sym = &s->sym[i];

		sym->st_shndx = SH_TEXT;
		if (ELF64_ST_TYPE(sym->st_info) == STT_OBJECT) {
			lnk_symbol(s->lnk, name, &sym->st_value);
			sym->st_size = sizeof(struct bpftime_payload);
			continue;
		}
		for (size_t h = lnk_n_hooks(s->lnk); h-- > 0;) {
			uint64_t vaddr = lnk_body_vaddr(s->lnk, (uint32_t)h);

			if (vaddr && !strcmp(lnk_hook(s->lnk, h)->prog, name))
				sym->st_value = vaddr;	/* the first one is seen last */
		}
	}
}

/* System V ABI, figure 5-13. */
static uint32_t elf_hash(const char *name)
{
	uint32_t h = 0, g;

	for (; *name; name++) {
		h = (h << 4) + (uint8_t)*name;
		g = h & 0xf0000000;
		if (g)
			h ^= g >> 24;
		h &= ~g;
	}
	return h;
}

/* nbucket, nchain, bucket[], chain[] */
static uint64_t add_hash(struct shared *s)
{
	uint32_t n = (uint32_t)s->n_sym, *t = arena_array(s->arena, 2 + 2 * s->n_sym, sizeof(*t));

	t[0] = t[1] = n;
	for (uint32_t i = 1; i < n; i++) {
		uint32_t b = elf_hash((char *)s->dynstr.p + s->sym[i].st_name) % n;

		t[2 + n + i] = t[2 + b];
		t[2 + b] = i;
	}
	return blob_add(&s->file, t, (2 + 2 * s->n_sym) * sizeof(*t), 8);
}

/* Everything before the payload, with places still to be filled in. */
static void lay_out_head(struct shared *s)
{
	struct {
		Elf64_Nhdr h;
		char name[4];
		uint8_t id[BUILD_ID_BYTES];
	} note = { { 4, BUILD_ID_BYTES, NT_GNU_BUILD_ID }, "GNU", { 0 } };

	blob_add(&s->file, NULL, sizeof(Elf64_Ehdr) + N_PHDR * sizeof(Elf64_Phdr), 1);
	s->note = blob_add(&s->file, &note, sizeof(note), 4);
	s->hash = add_hash(s);
	s->dynsym = blob_add(&s->file, NULL, s->n_sym * sizeof(*s->sym), 8);
	s->dynstr_at = blob_add(&s->file, s->dynstr.p, s->dynstr.n, 1);
	s->head_bytes = s->file.n;
	s->rx = pages(s->file.n);
	s->dynamic = pages(s->rx + s->size.rx_bytes);
	s->rw = s->dynamic + OBJ_PAGE_BYTES;
}

static void write_dynamic(struct shared *s, uint64_t init)
{
	Elf64_Dyn dyn[N_DYN] = { 0 };
	size_t n = 0;

#define DYN(tag_, value_) dyn[n++] = (Elf64_Dyn){ (tag_), { (value_) } }
	if (s->soname)
		DYN(DT_SONAME, s->soname);
	if (init)
		DYN(DT_INIT, init);
	DYN(DT_HASH, s->hash);
	DYN(DT_STRTAB, s->dynstr_at);
	DYN(DT_SYMTAB, s->dynsym);
	DYN(DT_STRSZ, s->dynstr.n);
	DYN(DT_SYMENT, sizeof(Elf64_Sym));
	/* Signal handlers and maps point into it: it stays when dlclose() is called. */
	DYN(DT_FLAGS_1, DF_1_NODELETE);
#undef DYN
	memcpy(s->file.p + s->dynamic, dyn, sizeof(dyn));
}

static void write_headers(struct shared *s, uint64_t shoff, uint16_t n_sh)
{
	const struct lnk_size *z = &s->size;
	Elf64_Phdr ph[N_PHDR] = {
		{ PT_LOAD, PF_R, 0, 0, 0, s->head_bytes, s->head_bytes, OBJ_PAGE_BYTES },
		{ PT_LOAD, PF_R | PF_X, s->rx, s->rx, s->rx, z->rx_bytes, z->rx_bytes,
		  OBJ_PAGE_BYTES },
		{ PT_LOAD, PF_R | PF_W, s->dynamic, s->dynamic, s->dynamic,
		  OBJ_PAGE_BYTES + z->rw_bytes, OBJ_PAGE_BYTES + z->rw_bytes, OBJ_PAGE_BYTES },
		{ PT_DYNAMIC, PF_R | PF_W, s->dynamic, s->dynamic, s->dynamic,
		  N_DYN * sizeof(Elf64_Dyn), N_DYN * sizeof(Elf64_Dyn), 8 },
		{ PT_NOTE, PF_R, s->note, s->note, s->note, NOTE_BYTES, NOTE_BYTES, 4 },
		{ PT_GNU_STACK, PF_R | PF_W, 0, 0, 0, 0, 0, 16 },
	};
	Elf64_Ehdr eh = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			     EV_CURRENT },
		.e_type = ET_DYN, .e_machine = s->lnk->cpu->machine, .e_version = EV_CURRENT,
		.e_phoff = sizeof(eh), .e_ehsize = sizeof(eh), .e_phentsize = sizeof(*ph),
		.e_phnum = N_PHDR, .e_shoff = shoff, .e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = n_sh, .e_shstrndx = (uint16_t)(n_sh - 1),
	};

	memcpy(s->file.p, &eh, sizeof(eh));
	memcpy(s->file.p + sizeof(eh), ph, sizeof(ph));
}

static void write_sections(struct shared *s)
{
	struct blob names = { .arena = s->arena };
	const struct lnk_size *z = &s->size;
	const uint64_t a = SHF_ALLOC;
	uint64_t strings;
#define SH(name_, type_, flags_, at_, n_, link_, align_, ent_)                               \
	{ blob_str(&names, name_), type_, flags_, at_, at_, n_, link_, 0, align_, ent_ }
	Elf64_Shdr sh[] = {
		{ 0 },
		SH(".note.gnu.build-id", SHT_NOTE, a, s->note, NOTE_BYTES,
		   0, 4, 0),
		SH(".hash", SHT_HASH, a, s->hash, (2 + 2 * s->n_sym) * 4, SH_DYNSYM, 8,
		   4),
		SH(".dynsym", SHT_DYNSYM, a, s->dynsym, s->n_sym * sizeof(Elf64_Sym), SH_DYNSTR, 8,
		   sizeof(Elf64_Sym)),
		SH(".dynstr", SHT_STRTAB, a, s->dynstr_at, s->dynstr.n, 0, 1, 0),
		SH(".text", SHT_PROGBITS, a | SHF_EXECINSTR, s->rx, z->rx_bytes, 0, z->rx_align, 0),
		SH(".dynamic", SHT_DYNAMIC, a | SHF_WRITE, s->dynamic, N_DYN * sizeof(Elf64_Dyn),
		   SH_DYNSTR, 8, sizeof(Elf64_Dyn)),
		SH(".data", SHT_PROGBITS, a | SHF_WRITE, s->rw, z->rw_bytes, 0, OBJ_PAGE_BYTES, 0),
		SH(".shstrtab", SHT_STRTAB, 0, 0, 0, 0, 1, 0),
	};
#undef SH
	enum { N = sizeof(sh) / sizeof(sh[0]) };

	sh[SH_DYNSYM].sh_info = LOCAL_SYMBOLS;
	strings = blob_add(&s->file, names.p, names.n, 1);
	sh[N - 1].sh_offset = strings;
	sh[N - 1].sh_size = names.n;
	write_headers(s, blob_add(&s->file, sh, sizeof(sh), 8), N);
}

static int write_file(struct shared *s, struct diags *dg)
{
	struct bytes rx, rw;
	uint64_t init = 0;
	int err;

	lay_out_head(s);
	if ((err = lnk_place(s->lnk, s->rx, s->rw, dg)) < 0 ||
	    (err = lnk_finish(s->lnk, &rx, &rw, dg)) < 0)
		return err;
	set_symbols(s);
	memcpy(s->file.p + s->dynsym, s->sym, s->n_sym * sizeof(*s->sym));
	memcpy(s->file.p + s->note + sizeof(Elf64_Nhdr) + 4,
	       rx.p + offsetof(struct bpftime_payload, id), BUILD_ID_BYTES);
	blob_add(&s->file, rx.p, rx.n, OBJ_PAGE_BYTES);
	blob_add(&s->file, NULL, OBJ_PAGE_BYTES, OBJ_PAGE_BYTES);
	blob_add(&s->file, rw.p, rw.n, OBJ_PAGE_BYTES);
	if (!lnk_symbol(s->lnk, "bpftime_rt1_start_dso", &init))
		lnk_symbol(s->lnk, "bpftime_rt1_init", &init);
	write_dynamic(s, init);
	write_sections(s);
	return 0;
}

int link_shared(struct arena *a, const struct link_input *in, size_t n, struct bytes archive,
		const char *soname, bool allow_unverified, struct bytes *out, struct diags *dg)
{
	struct shared s = { .arena = a, .file = { .arena = a }, .dynstr = { .arena = a } };
	struct lnk_target t = { .path = soname };
	int err = 0;

	s.lnk = lnk_new(a, archive);
	for (size_t i = 0; i < n && err >= 0; i++)
		err = lnk_add_object(s.lnk, in[i].path, in[i].obj, allow_unverified, dg);
	if (err >= 0)
		err = lnk_layout(s.lnk, &t, 0, 0, &s.size, dg);
	if (err < 0)
		return err;
	choose_symbols(&s, soname);
	err = write_file(&s, dg);
	*out = (struct bytes){ s.file.p, s.file.n };
	return err;
}
