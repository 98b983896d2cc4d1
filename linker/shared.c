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
 * The payload's room for the caller's unwind information holds the .eh_frame_hdr.
 * .hash (System V ABI, chapter 5) is what glibc, musl and debuggers all read. */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "elfout.h"
#include "link.h"
#include "lnk.h"

enum { N_PHDR = 7, N_DYN = 9, BUILD_ID_BYTES = 20, LOCAL_SYMBOLS = 1,
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
	size_t        n_fde;
	Elf64_Shdr   *sh;
	size_t        n_sh, cap_sh;
	struct lnk_size size;
};

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
		if (s->lnk->hook[i].body.sec)
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
	s->rx = obj_whole_pages(s->file.n);
	s->dynamic = obj_whole_pages(s->rx + s->size.rx_bytes);
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

static int by_pc(const void *a, const void *b)
{
	const struct lnk_fde *x = a, *y = b;

	return x->pc_vaddr < y->pc_vaddr ? -1 : x->pc_vaddr > y->pc_vaddr;
}

static uint64_t eh_hdr_bytes(const struct shared *s)
{
	return s->n_fde ? 12 + 8 * s->n_fde : 0;
}

/* Where .eh_frame begins: the records that objects brought lie one after the other. */
static uint64_t eh_frame_vaddr(const struct shared *s)
{
	uint64_t at = lnk_cfi_vaddr(s->lnk);

	for (size_t i = 0; i < s->lnk->n_order; i++) {
		const struct obj_file *file = s->lnk->order_file[i];

		if (file->eh && s->lnk->order[i] == &file->sec[file->eh->sec] &&
		    lnk_sec_vaddr(s->lnk, s->lnk->order[i]) < at)
			at = lnk_sec_vaddr(s->lnk, s->lnk->order[i]);
	}
	return at;
}

/* LSB core 10.6.2: version, three encodings, .eh_frame, number of entries, entries. */
static void write_eh_hdr(struct shared *s)
{
	struct lnk_fde *f = arena_array(s->arena, s->n_fde, sizeof(*f));
	uint64_t at = lnk_cfi_vaddr(s->lnk);
	uint8_t *p = lnk_cfi_bytes(s->lnk);
	uint32_t v[2];

	if (!s->n_fde)
		return;
	lnk_fdes(s->lnk, f);
	v[0] = (uint32_t)(eh_frame_vaddr(s) - (at + 4));
	v[1] = (uint32_t)s->n_fde;
	qsort(f, s->n_fde, sizeof(*f), by_pc);
	memcpy(p, "\1\x1b\x03\x3b", 4);
	memcpy(p + 4, v, 8);
	for (size_t i = 0; i < s->n_fde; i++) {
		v[0] = (uint32_t)(f[i].pc_vaddr - at);
		v[1] = (uint32_t)(f[i].fde_vaddr - at);
		memcpy(p + 12 + 8 * i, v, 8);
	}
}

static void write_headers(struct shared *s, uint64_t shoff, uint16_t n_sh)
{
	const struct lnk_size *z = &s->size;
	uint64_t hdr = lnk_cfi_vaddr(s->lnk), hdr_bytes = eh_hdr_bytes(s);
	Elf64_Phdr ph[N_PHDR] = {
		{ PT_LOAD, PF_R, 0, 0, 0, s->head_bytes, s->head_bytes, OBJ_PAGE_BYTES },
		{ PT_LOAD, PF_R | PF_X, s->rx, s->rx, s->rx, z->rx_bytes, z->rx_bytes,
		  OBJ_PAGE_BYTES },
		{ PT_LOAD, PF_R | PF_W, s->dynamic, s->dynamic, s->dynamic,
		  OBJ_PAGE_BYTES + z->rw_file_bytes, OBJ_PAGE_BYTES + z->rw_bytes, OBJ_PAGE_BYTES },
		{ PT_DYNAMIC, PF_R | PF_W, s->dynamic, s->dynamic, s->dynamic,
		  N_DYN * sizeof(Elf64_Dyn), N_DYN * sizeof(Elf64_Dyn), 8 },
		{ PT_NOTE, PF_R, s->note, s->note, s->note, NOTE_BYTES, NOTE_BYTES, 4 },
		{ PT_GNU_STACK, PF_R | PF_W, 0, 0, 0, 0, 0, 16 },
		{ PT_GNU_EH_FRAME, PF_R, hdr, hdr, hdr, hdr_bytes, hdr_bytes, 4 },
	};
	Elf64_Ehdr eh = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			     EV_CURRENT },
		.e_type = ET_DYN, .e_machine = s->lnk->cpu->machine, .e_version = EV_CURRENT,
		.e_phoff = sizeof(eh), .e_ehsize = sizeof(eh), .e_phentsize = sizeof(*ph),
		.e_phnum = hdr_bytes ? N_PHDR : N_PHDR - 1, .e_shoff = shoff, .e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = n_sh, .e_shstrndx = (uint16_t)(n_sh - 1),
	};

	memcpy(s->file.p, &eh, sizeof(eh));
	memcpy(s->file.p + sizeof(eh), ph, sizeof(ph));
}

static Elf64_Shdr *add_sh(struct shared *s, struct blob *names, const char *name, uint32_t type,
			  uint64_t flags, uint64_t at, uint64_t n, uint64_t align)
{
	Elf64_Shdr *sh = ARENA_PUSH(s->arena, s->sh, s->n_sh, s->cap_sh);

	*sh = (Elf64_Shdr){ .sh_name = blob_str(names, name), .sh_type = type, .sh_flags = flags,
			    .sh_addr = flags & SHF_ALLOC ? at : 0, .sh_offset = at, .sh_size = n,
			    .sh_addralign = align };
	return sh;
}

static void write_sections(struct shared *s)
{
	struct blob names = { .arena = s->arena };
	const uint64_t a = SHF_ALLOC, text_end = eh_frame_vaddr(s), hdr = lnk_cfi_vaddr(s->lnk);
	Elf64_Shdr *sh;
	uint64_t at;

	add_sh(s, &names, "", SHT_NULL, 0, 0, 0, 0);
	add_sh(s, &names, ".note.gnu.build-id", SHT_NOTE, a, s->note, NOTE_BYTES, 4);
	sh = add_sh(s, &names, ".hash", SHT_HASH, a, s->hash, (2 + 2 * s->n_sym) * 4, 8);
	sh->sh_link = SH_DYNSYM;
	sh->sh_entsize = 4;
	sh = add_sh(s, &names, ".dynsym", SHT_DYNSYM, a, s->dynsym, s->n_sym * sizeof(*s->sym), 8);
	sh->sh_link = SH_DYNSTR;
	sh->sh_info = LOCAL_SYMBOLS;
	sh->sh_entsize = sizeof(*s->sym);
	add_sh(s, &names, ".dynstr", SHT_STRTAB, a, s->dynstr_at, s->dynstr.n, 1);
	add_sh(s, &names, ".text", SHT_PROGBITS, a | SHF_EXECINSTR, s->rx, text_end - s->rx,
	       s->size.rx_align);
	if (s->n_fde) {
		add_sh(s, &names, ".eh_frame", SHT_PROGBITS, a, text_end, hdr - text_end, 8);
		add_sh(s, &names, ".eh_frame_hdr", SHT_PROGBITS, a, hdr, eh_hdr_bytes(s), 4);
	}
	sh = add_sh(s, &names, ".dynamic", SHT_DYNAMIC, a | SHF_WRITE, s->dynamic,
		    N_DYN * sizeof(Elf64_Dyn), 8);
	sh->sh_link = SH_DYNSTR;
	sh->sh_entsize = sizeof(Elf64_Dyn);
	if (s->size.rw_file_bytes)
		add_sh(s, &names, ".data", SHT_PROGBITS, a | SHF_WRITE, s->rw,
		       s->size.rw_file_bytes, OBJ_PAGE_BYTES);
	add_sh(s, &names, ".bss", SHT_NOBITS, a | SHF_WRITE, s->rw + s->size.rw_file_bytes,
	       s->size.rw_bytes - s->size.rw_file_bytes,
	       s->size.rw_file_bytes ? 1 : OBJ_PAGE_BYTES);
	sh = add_sh(s, &names, ".shstrtab", SHT_STRTAB, 0, 0, 0, 1);
	sh->sh_offset = blob_add(&s->file, names.p, names.n, 1);
	sh->sh_size = names.n;
	at = blob_add(&s->file, s->sh, s->n_sh * sizeof(*s->sh), 8);
	write_headers(s, at, (uint16_t)s->n_sh);
}

static int write_file(struct shared *s, struct diags *dg)
{
	struct bytes rx, rw;
	uint64_t init = 0;
	int err;

	lay_out_head(s);
	if ((err = lnk_place(s->lnk, s->rx, s->rw, dg)) < 0)
		return err;
	write_eh_hdr(s);
	if ((err = lnk_finish(s->lnk, &rx, &rw, dg)) < 0)
		return err;
	set_symbols(s);
	memcpy(s->file.p + s->dynsym, s->sym, s->n_sym * sizeof(*s->sym));
	memcpy(s->file.p + s->note + sizeof(Elf64_Nhdr) + 4,
	       rx.p + offsetof(struct bpftime_payload, id), BUILD_ID_BYTES);
	blob_add(&s->file, rx.p, rx.n, OBJ_PAGE_BYTES);
	blob_add(&s->file, NULL, OBJ_PAGE_BYTES, OBJ_PAGE_BYTES);
	blob_add(&s->file, rw.p, s->size.rw_file_bytes, OBJ_PAGE_BYTES);
	if (!lnk_symbol(s->lnk, "bpftime_rt1_start_dso", &init))
		lnk_symbol(s->lnk, "bpftime_rt1_init", &init);
	write_dynamic(s, init);
	write_sections(s);
	return 0;
}

int link_shared(struct arena *a, const struct link_input *in, size_t n, struct bytes archive,
		const struct link_how *how, struct bytes *out, struct diags *dg)
{
	struct shared s = { .arena = a, .file = { .arena = a }, .dynstr = { .arena = a } };
	struct lnk_target t = { .dir = how->map_dir, .path = how->soname, .start = "bpftime_rt1_start_dso" };
	int err = 0;

	s.lnk = lnk_new(a, archive);
	for (size_t i = 0; i < n && err >= 0; i++)
		err = lnk_add_object(s.lnk, in[i].path, in[i].obj, how->allow_unverified, dg);
	if (err >= 0)
		err = lnk_layout(s.lnk, &t, 0, 0, &s.size, dg);
	if (err < 0)
		return err;
	s.n_fde = lnk_n_fdes(s.lnk);
	if (s.n_fde && (err = lnk_layout(s.lnk, &t, 0, eh_hdr_bytes(&s), &s.size, dg)) < 0)
		return err;
	choose_symbols(&s, how->soname);
	err = write_file(&s, dg);
	*out = (struct bytes){ s.file.p, s.file.n };
	return err;
}
