/* SPDX-License-Identifier: MIT
 *
 * objfile.h - an ELF relocatable as sections, symbols and relocations: read, checked, no
 * meaning attached.  Hook objects and members of the runtime archive alike.
 *
 * After objfile_read() every index is in range, every range is inside the file, every name
 * ends, relocations of a section are sorted and do not overlap; nobody checks again. */
#ifndef BPFTIME_LINKER_OBJFILE_H
#define BPFTIME_LINKER_OBJFILE_H

#include "arena.h"
#include "diag.h"
#include "reader.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
	OBJ_PAGE_BYTES = 4096,		/* greatest alignment of a section */
	OBJ_MAX_BYTES = 1 << 28,	/* greatest size of one section, and of a payload */
};

static inline uint64_t obj_whole_pages(uint64_t bytes)
{
	return (bytes + OBJ_PAGE_BYTES - 1) / OBJ_PAGE_BYTES * OBJ_PAGE_BYTES;
}

struct obj_rel {
	uint64_t off;		/* in its section */
	uint32_t type;		/* R_<cpu>_* */
	uint32_t sym;
	int64_t  addend;
};

enum obj_part { PART_NONE, PART_RX, PART_RW };

struct obj_sec {
	const char *name;
	uint32_t type;		/* SHT_* */
	uint64_t flags;		/* SHF_* */
	uint64_t bytes, align;
	const uint8_t *data;	/* NULL: zeros */
	struct obj_rel *rel;
	size_t   n_rel;
	/* the payload linker's */
	bool     copied;	/* data is the linker's own copy */
	bool     live;		/* something reachable refers to it */
	uint8_t  part;		/* enum obj_part, once laid out */
	uint64_t off;		/* in its part */
};

/* obj_sym.sec when it is not a section's index */
enum { SEC_UNDEF = 0, SEC_ABS = UINT32_MAX };

struct obj_sym {
	const char *name;	/* "" when it has none */
	uint64_t value, bytes;	/* value <= size of its section */
	uint32_t sec;		/* index, SEC_UNDEF or SEC_ABS */
	uint8_t  bind, type;	/* STB_*, STT_* */
	uint8_t  visibility;	/* STV_* */
};

struct obj_file {
	const char   *path;	/* for messages; "archive(member)" for members */
	struct bytes  bytes;
	uint16_t      machine;	/* EM_* */
	struct obj_sec *sec;	/* [0] is the null section */
	uint32_t      n_sec;
	struct obj_sym *sym;	/* [0] is the null symbol */
	uint32_t      n_sym;
	bool          hook;	/* a hook object, not a member of the archive */
	uint32_t      index;	/* in order of adding */
	struct eh_frame *eh;	/* eh_frame.h; NULL: no unwind information */
};

/* Reads an ET_REL, ELF64 little endian, of a CPU the linker knows (cpu.h).  Borrows `b`.
 * Returns 0, -DIAG_L001 (no such file), -DIAG_L002 (malformed), -DIAG_L003 (foreign CPU),
 * -DIAG_L004 (holds what a payload cannot) or -DIAG_L006 (relocation kind). */
int objfile_read(struct arena *a, const char *path, struct bytes b, struct obj_file *out,
		 struct diags *dg);

/* "text.o:.text:16" for a message. */
static inline struct loc obj_loc(const struct obj_file *f, uint32_t sec, int64_t off)
{
	return at_insn(f->path, sec && sec < f->n_sec ? f->sec[sec].name : NULL, off, NULL);
}

/* What the reader gives to those who write files back: a section by name, 0 when absent. */
uint32_t obj_find(const struct obj_file *f, const char *name);

/* Index of the first relocation at `off` or behind it. */
size_t obj_rel_from(const struct obj_sec *s, uint64_t off);

/* The relocation at exactly `off` of a section, or NULL. */
const struct obj_rel *obj_rel_at(const struct obj_sec *s, uint64_t off);

#ifdef __cplusplus
}
#endif
#endif
