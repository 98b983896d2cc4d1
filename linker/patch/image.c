/* SPDX-License-Identifier: MIT */
#include "image_priv.h"

#include <inttypes.h>
#include <stdlib.h>

#include "file.h"

enum { PAGE = 4096, MAX_PHDRS = 512, MAX_NOTES = 4096 };
static const uint64_t USER_END = 1ull << 47;

#define REFUSE(r_, code_, ...) diag((r_)->dg, DIAG_##code_, at_file((r_)->im->path), __VA_ARGS__)

static int not_elf(struct image_reader *r)
{
	struct bytes f = r->im->file;

	return REFUSE(r, P001, "%s", f.n > 2 && !memcmp(f.p, "#!", 2)
					     ? "a script: patch the program that its first line names"
					     : "not an ELF file");
}

static int read_header(struct image_reader *r)
{
	struct image *im = r->im;
	Elf64_Ehdr *eh = &im->eh;

	if (!bytes_get(im->file, 0, eh, sizeof(*eh)))
		return im->file.n >= SELFMAG && !memcmp(im->file.p, ELFMAG, SELFMAG)
			? REFUSE(r, P100, "the file ends inside the ELF header")
			: not_elf(r);
	if (memcmp(eh->e_ident, ELFMAG, SELFMAG))
		return not_elf(r);
	if (eh->e_ident[EI_CLASS] != ELFCLASS64 || eh->e_ident[EI_DATA] != ELFDATA2LSB)
		return REFUSE(r, P001, "not a 64-bit little-endian ELF file");
	if (eh->e_machine != EM_X86_64)
		return REFUSE(r, P001, "machine %u; only x86-64 (62) is supported", eh->e_machine);
	if (eh->e_type != ET_EXEC && eh->e_type != ET_DYN)
		return REFUSE(r, P001, "a %s, not an executable or shared object",
			      eh->e_type == ET_REL ? "relocatable object" :
			      eh->e_type == ET_CORE ? "core dump" : "file of unknown type");
	if (eh->e_version != EV_CURRENT || eh->e_ehsize != sizeof(*eh))
		return REFUSE(r, P100, "ELF header of version %u, %u bytes", eh->e_version,
			      eh->e_ehsize);
	return 0;
}

static int check_load(struct image_reader *r, const Elf64_Phdr *ph, size_t i, uint64_t *end)
{
	if (ph->p_memsz < ph->p_filesz)
		return REFUSE(r, P100, "segment %zu: %" PRIu64 " bytes in the file, %" PRIu64
			      " in memory", i, ph->p_filesz, ph->p_memsz);
	if (ph->p_memsz > USER_END || ph->p_vaddr > USER_END - ph->p_memsz)
		return REFUSE(r, P100, "segment %zu: address 0x%" PRIx64 " out of range", i,
			      ph->p_vaddr);
	if ((ph->p_align & (ph->p_align - 1)) ||
	    (ph->p_filesz && (ph->p_vaddr - ph->p_offset) % PAGE))
		return REFUSE(r, P100, "segment %zu: alignment", i);
	if ((ph->p_flags & (PF_W | PF_X)) == (PF_W | PF_X))
		return REFUSE(r, P102, "segment %zu at 0x%" PRIx64, i, ph->p_vaddr);
	if (ph->p_vaddr < *end)
		return REFUSE(r, P101, "segment %zu at 0x%" PRIx64, i, ph->p_vaddr);
	*end = ph->p_vaddr + ph->p_memsz;
	return 0;
}

static int read_phdrs(struct image_reader *r)
{
	struct image *im = r->im;
	const Elf64_Ehdr *eh = &im->eh;
	uint64_t bytes = (uint64_t)eh->e_phnum * sizeof(Elf64_Phdr);
	size_t n_load = 0;
	const void *p;
	int err;

	if (eh->e_phnum == PN_XNUM || eh->e_phnum > MAX_PHDRS)
		return REFUSE(r, P104, "%u", eh->e_phnum);
	if (!eh->e_phnum || eh->e_phentsize != sizeof(Elf64_Phdr))
		return REFUSE(r, P100, "no program headers");
	p = bytes_at(im->file, eh->e_phoff, bytes);
	if (!p || eh->e_phoff < sizeof(*eh))
		return REFUSE(r, P100, "program headers outside the file");
	im->ph = arena_dup(im->arena, p, bytes);
	for (size_t i = 0; i < eh->e_phnum; i++) {
		const Elf64_Phdr *ph = &im->ph[i];

		if (ph->p_filesz && ph->p_type != PT_NULL &&
		    !bytes_at(im->file, ph->p_offset, ph->p_filesz))
			return REFUSE(r, P100, "segment %zu lies outside the file (truncated?)", i);
		if (ph->p_type != PT_LOAD)
			continue;
		err = check_load(r, ph, i, &im->vaddr_end);
		if (err)
			return err;
		n_load++;
	}
	return n_load ? 0 : REFUSE(r, P100, "nothing is loaded");
}

/* Sections may be absent; where a table is announced it has to be right, because it will
 * be written again. */
static int read_sections(struct image_reader *r)
{
	struct image *im = r->im;
	const Elf64_Ehdr *eh = &im->eh;
	struct bytes str = { NULL, 0 };
	uint64_t n = eh->e_shnum, shstrndx = eh->e_shstrndx;
	Elf64_Shdr first, *sh;
	const void *p;

	if (!eh->e_shoff)
		return 0;
	if (eh->e_shentsize != sizeof(first) ||
	    !bytes_get(im->file, eh->e_shoff, &first, sizeof(first)))
		return REFUSE(r, P100, "section headers outside the file (truncated?)");
	if (!n)
		n = first.sh_size;
	if (shstrndx == SHN_XINDEX)
		shstrndx = first.sh_link;
	p = n <= im->file.n / sizeof(*sh) ? bytes_at(im->file, eh->e_shoff, n * sizeof(*sh)) : NULL;
	if (!n || !p || shstrndx >= n)
		return REFUSE(r, P100, "section headers outside the file (truncated?)");
	im->sh = sh = arena_dup(im->arena, p, n * sizeof(*sh));
	im->n_sh = n;
	im->sh_name = arena_array(im->arena, n, sizeof(*im->sh_name));
	for (size_t i = 0; i < n; i++)
		if (i && sh[i].sh_type != SHT_NOBITS && sh[i].sh_type != SHT_NULL &&
		    !bytes_at(im->file, sh[i].sh_offset, sh[i].sh_size))
			return REFUSE(r, P100, "section %zu lies outside the file", i);
	for (size_t i = 1; i < n; i++)
		if (sh[i].sh_type == SHT_NOBITS && (sh[i].sh_flags & SHF_EXECINSTR))
			return REFUSE(r, P001,
				      "debug information of a program whose code is elsewhere");
	if (shstrndx && sh[shstrndx].sh_type == SHT_STRTAB)
		str = bytes_strings((struct bytes){ im->file.p + sh[shstrndx].sh_offset,
						    sh[shstrndx].sh_size });
	for (size_t i = 0; i < n; i++)
		im->sh_name[i] = sh[i].sh_name < str.n ? (const char *)str.p + sh[i].sh_name : "";
	return 0;
}

/* UPX leaves its mark behind the program headers and at the end, and no sections. */
static int check_packed(struct image_reader *r)
{
	struct image *im = r->im;
	size_t head = im->file.n < PAGE ? im->file.n : PAGE;
	size_t tail = im->file.n < 64 ? im->file.n : 64;

	if (im->n_sh || !memmem(im->file.p, head, "UPX!", 4) ||
	    !memmem(im->file.p + im->file.n - tail, tail, "UPX!", 4))
		return 0;
	return REFUSE(r, P103, "unpack it first (upx -d)");
}

static void read_notes(struct image *im, uint64_t off, uint64_t bytes, uint64_t align)
{
	uint64_t pos = 0;
	Elf64_Nhdr nh;

	if (align != 8)
		align = 4;
	for (int i = 0; i < MAX_NOTES && bytes - pos >= sizeof(nh); i++) {
		uint64_t name = pos + sizeof(nh), desc, end;

		if (!bytes_get(im->file, off + pos, &nh, sizeof(nh)))
			return;
		if (!align_up_u64(name + nh.n_namesz, align, &desc) ||
		    !align_up_u64(desc + nh.n_descsz, align, &end) || desc + nh.n_descsz > bytes)
			return;
		if (nh.n_type == NT_GNU_BUILD_ID && nh.n_namesz == 4 && nh.n_descsz &&
		    !im->build_id.n && !memcmp(im->file.p + off + name, "GNU", 4))
			im->build_id = (struct bytes){ im->file.p + off + desc, nh.n_descsz };
		if (end > bytes)
			return;
		pos = end;
	}
}

static int read_interp_and_notes(struct image_reader *r)
{
	struct image *im = r->im;

	for (size_t i = 0; i < im->eh.e_phnum; i++) {
		const Elf64_Phdr *ph = &im->ph[i];

		if (ph->p_type == PT_NOTE)
			read_notes(im, ph->p_offset, ph->p_filesz, ph->p_align);
		if (ph->p_type == PT_GNU_EH_FRAME && ph->p_filesz &&
		    image_at(im, ph->p_vaddr, ph->p_filesz))
			im->eh_frame_hdr_vaddr = ph->p_vaddr;
		if (ph->p_type != PT_INTERP)
			continue;
		if (!ph->p_filesz || im->file.p[ph->p_offset + ph->p_filesz - 1])
			return REFUSE(r, P100, "the interpreter's name has no end");
		im->interp = (const char *)im->file.p + ph->p_offset;
	}
	return 0;
}

static enum image_kind kind_of(const struct image_reader *r)
{
	const struct image *im = r->im;

	if (im->eh.e_type == ET_EXEC)
		return im->interp ? IMAGE_EXEC : IMAGE_STATIC;
	if (r->dyn.flags_1 & DF_1_PIE)
		return im->interp ? IMAGE_PIE : IMAGE_STATIC_PIE;
	/* Old linkers do not set DF_1_PIE; libc.so.6 has an interpreter and a soname. */
	if (im->soname)
		return IMAGE_DSO;
	if (im->interp)
		return IMAGE_PIE;
	return im->eh.e_entry && !im->n_needed && !r->n_defined ? IMAGE_STATIC_PIE : IMAGE_DSO;
}

int image_parse(struct arena *a, const char *path, struct bytes file, const struct stat *st,
		struct image **out, struct diags *dg)
{
	struct image *im = arena_alloc(a, sizeof(*im));
	struct image_reader r = { .im = im, .dg = dg };
	int err;

	im->arena = a;
	im->path = path;
	im->file = file;
	if (st)
		im->st = *st;
	if ((err = read_header(&r)) || (err = read_phdrs(&r)) || (err = read_sections(&r)) ||
	    (err = check_packed(&r)) || (err = read_interp_and_notes(&r)) ||
	    (err = image_read_dynamic(&r)))
		return err;
	im->kind = kind_of(&r);
	image_read_go(&r);
	image_read_symbols(&r);
	image_read_imports(&r);
	image_read_fdes(&r);
	*out = im;
	return 0;
}

int image_read(struct arena *a, const char *path, struct image **out, struct diags *dg)
{
	struct bytes file;
	struct stat st;
	int err = file_read(a, path, &file, &st, dg);

	return err ? err : image_parse(a, path, file, &st, out, dg);
}

const Elf64_Phdr *image_load_at(const struct image *im, uint64_t vaddr)
{
	for (size_t i = 0; i < im->eh.e_phnum; i++)
		if (im->ph[i].p_type == PT_LOAD && vaddr >= im->ph[i].p_vaddr &&
		    vaddr - im->ph[i].p_vaddr < im->ph[i].p_memsz)
			return &im->ph[i];
	return NULL;
}

const uint8_t *image_at(const struct image *im, uint64_t vaddr, uint64_t n)
{
	const Elf64_Phdr *ph = image_load_at(im, vaddr);
	uint64_t off;

	if (!ph)
		return NULL;
	off = vaddr - ph->p_vaddr;
	if (off > ph->p_filesz || n > ph->p_filesz - off)
		return NULL;
	return im->file.p + ph->p_offset + off;
}

struct bytes image_from(const struct image *im, uint64_t vaddr)
{
	const Elf64_Phdr *ph = vaddr ? image_load_at(im, vaddr) : NULL;
	uint64_t off = ph ? vaddr - ph->p_vaddr : 0;

	if (!ph || off >= ph->p_filesz)
		return (struct bytes){ NULL, 0 };
	return (struct bytes){ im->file.p + ph->p_offset + off, ph->p_filesz - off };
}

uint64_t image_foff(const struct image *im, uint64_t vaddr)
{
	const uint8_t *p = image_at(im, vaddr, 1);

	return p ? (uint64_t)(p - im->file.p) : UINT64_MAX;
}

const Elf64_Shdr *image_section(const struct image *im, const char *name)
{
	for (size_t i = 1; i < im->n_sh; i++)
		if (!strcmp(im->sh_name[i], name))
			return &im->sh[i];
	return NULL;
}

void edits_add(struct arena *a, struct edits *e, const struct image *im, uint64_t vaddr,
	       uint64_t foff, struct bytes after, const char *why)
{
	struct edit *n = ARENA_PUSH(a, e->edit, e->n, e->cap);

	if (vaddr)
		foff = image_foff(im, vaddr);
	*n = (struct edit){
		vaddr, foff, { bytes_at(im->file, foff, after.n), after.n }, after, why
	};
}
