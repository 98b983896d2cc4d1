/* SPDX-License-Identifier: MIT
 *
 * payload.h - hook objects and the runtime archive become one position-independent
 * payload of two parts: RX (header, trampolines, code, constants, tables, unwind data)
 * and RW (control area, slots, data, rooms).
 *
 * In steps, because where the payload goes depends on how big it is, and what the
 * trampolines say depends on where it went:
 *
 *     lnk_new -> lnk_add_object* -> lnk_add_attach* -> lnk_layout   sizes are known
 *     (segment writer chooses addresses)            -> lnk_place    symbols have addresses
 *     (trampolines are written into lnk_trampolines)-> lnk_finish   relocated bytes
 *
 * No LLVM, no target binary: this part knows neither.
 *
 * What objects may hold.  Sections: code, constants, data, zeros; no thread-local data, no
 * constructors, nothing writable and executable.  Relocations: distances (PC32, PLT32,
 * PC64) and loads from the GOT that can become address arithmetic; nothing absolute, since
 * nobody relocates a payload where it runs.  Code: no vector, x87 or MMX state anywhere;
 * in hook objects also no stores through fs:, no loads from fixed places of it but fs:0,
 * and no gs:.  Symbols: a hook object's are its own, whatever their binding; undefined are
 * only bpftime_rt1_*, which come from the archive.
 *
 * Symbols that the linker defines:
 *     bpftime_rt1_payload    struct bpftime_payload, the first byte of RX
 *     bpftime_rt1_unwind     struct unwind_table (unwindfmt.h), empty unless a hook object asks for stacks
 *     bpftime_rt1_rx_end     one past the last byte of RX
 *     bpftime_rt1_control    control area (rt.h), whole pages of RW
 *     bpftime_rt1_rw_end     one past the last byte of RW
 *     __start_X, __stop_X    ends of all sections called X, for X that is a C identifier, in
 *                            objects of which something is in the payload
 *
 * What nothing reaches is left out: reachable are the tables of all hook objects, the runtime's cold
 * path, what the payload starts by, lnk_require()d symbols, and what these refer to, by section. */
#ifndef BPFTIME_LINKER_PAYLOAD_H
#define BPFTIME_LINKER_PAYLOAD_H

#include "arena.h"
#include "diag.h"
#include "objfmt.h"
#include "reader.h"

#ifdef __cplusplus
extern "C" {
#endif

struct lnk;	/* one payload in the making; lives in its arena */

/* What an entry does between saving registers and restoring them, so that a trampoline can do the same in
 * line, with registers saved once for several programs. */
enum code_step_kind {
	CODE_PLAIN,	/* one instruction */
	CODE_BRANCH,	/* jmp, or jcc with cc, to step `to` */
	CODE_EXIT,	/* back to who called */
	CODE_NOTHING,	/* a nop */
};
enum { CODE_ALWAYS = 16 };	/* cc of jmp */
struct code_step {
	uint32_t off, to;	/* off: from the entry */
	uint8_t  len, kind, cc;
	bool     distance;	/* it waits for a relocation */
};
struct code_body {
	struct code_step *step;
	uint32_t n, n_likely;	/* the first n_likely are the likely way, up to an exit */
	uint32_t bytes;		/* of that way */
	uint32_t room_bytes;	/* of stack, below what is saved */
	uint16_t saves;		/* registers that the entry saves, by number */
	uint16_t writes;	/* and those that change */
	bool     calls, uses_stack;
	bool     simple;	/* short, straight, nothing to save, no use of the stack */
};
enum {
	CODE_BODY_MAX = 1024,
	CODE_SIMPLE_MAX = 32,	/* others are worth a call, where a hook has many places */
};

/* One hook of the objects added so far, numbered over all objects in order of adding. */
struct lnk_hook {
	uint32_t    object_index;	/* of the lnk_add_object that brought it; a file made
					 * by `link` or ld -r holds several objects */
	const char *object;	/* objfmt_object name */
	const char *prog, *sec;	/* program name; SEC() name as written */
	const struct objfmt_hook *row;	/* before relocation: *_rel fields mean nothing */
	const struct objfmt_stamp *stamp;
	bool     keeps_all;	/* it keeps r11 too, so the trampoline need not */
	uint32_t insns, saved_regs, atomics;	/* on the likely path of the specialised entry */
	const struct code_body *body;	/* for lnk_put_step in place of a call; NULL: it must be called */
};

/* `archive`: bytes of libbpftime_rt.a; borrowed until lnk_finish. */
struct lnk *lnk_new(struct arena *a, struct bytes archive);

/* Adds a hook object (path for messages, bytes borrowed). All of it is checked: ELF, machine,
 * tables, relocations, undefined symbols, what its code touches.  An object that was compiled
 * unverified is refused unless allow_unverified.
 * Returns 0, or -DIAG_L001 to -DIAG_L013; after an error the lnk is of no further use. */
int lnk_add_object(struct lnk *l, const char *path, struct bytes obj, bool allow_unverified,
		   struct diags *dg);

/* A map of a hook's object that the payload brings filled (MAP_BIT_PAYLOAD). */
struct lnk_room {
	uint32_t value_size, max_entries;
	uint8_t *bytes;		/* max_entries values, each padded to 8 bytes; to be written */
};
/* false when the object has no such map, or it has no room. */
bool lnk_room(struct lnk *l, uint32_t hook, const char *map, struct lnk_room *out);

size_t lnk_n_hooks(const struct lnk *l);
const struct lnk_hook *lnk_hook(const struct lnk *l, size_t i);
/* May hook i keep the function from running?  One that makes tail calls may if any of all hooks
 * does. */
bool lnk_decides(const struct lnk *l, size_t i);

/* Names an attach point of hook `hook`; returns its index.  The site's address may be
 * unknown until lnk_place. */
uint32_t lnk_add_attach(struct lnk *l, uint32_t hook, const char *symbol, uint64_t cookie);

struct lnk_target {		/* goes into struct bpftime_payload */
	uint32_t    bits;	/* PAYLOAD_* */
	const char *dir;	/* map directory, NULL: default */
	const char *path;	/* of the target */
	struct bytes build_id;	/* at most 20 bytes are kept */
	bool        embedded;	/* in this process, which will fill the slots of externs */
	const char *start;	/* what the payload starts by: bpftime_rt1_start, _start_dso or _init;
				 * NULL: the first hook does it */
};
struct lnk_size {
	uint64_t rx_bytes, rw_bytes;	/* rw_bytes is whole pages */
	uint64_t rw_file_bytes;		/* RW is zeros from here on */
	uint64_t rw_align, rx_align;
};

/* The payload shall hold this symbol of the runtime, although no object refers to it.
 * lnk_layout returns -DIAG_L012 when the archive has none of that name. */
void lnk_require(struct lnk *l, const char *symbol);

/* Functions of the target that programs call (objfmt.h: OBJFMT_EXTERN_HOST): all must be given an
 * address before lnk_layout, the function's own or, with `got`, that of a slot which holds it. */
size_t      lnk_n_hosts(const struct lnk *l);
const char *lnk_host_name(const struct lnk *l, size_t i);
void        lnk_set_host(struct lnk *l, size_t i, uint64_t vaddr, bool got);

/* Does a hook object call bpf_get_stack or bpf_get_stackid?  Then the payload has a table of
 * `bytes` for it (struct unwind_table), to be said before lnk_layout. */
bool lnk_wants_stacks(const struct lnk *l);
void lnk_set_unwind(struct lnk *l, uint64_t bytes);

/* All attach points are known by now.  May be called again, with other sizes.
 * Selects archive members and sections (what nothing refers to is left out), orders
 * them, and makes room for `tramp_bytes` of trampolines and `cfi_bytes` of .eh_frame. */
int lnk_layout(struct lnk *l, const struct lnk_target *t, uint64_t tramp_bytes,
	       uint64_t cfi_bytes, struct lnk_size *out, struct diags *dg);

/* Fixes the addresses of both parts. They must be within +-2 GiB of each other. */
int lnk_place(struct lnk *l, uint64_t rx_vaddr, uint64_t rw_vaddr, struct diags *dg);

/* Both parts are in one R-X segment: the runtime makes the RW part writable. */
void lnk_set_one_segment(struct lnk *l);

/* Addresses, valid after lnk_place. */
bool     lnk_symbol(const struct lnk *l, const char *name, uint64_t *vaddr);
uint64_t lnk_entry_vaddr(const struct lnk *l, uint32_t hook);	/* specialised entry; 0: none */
uint64_t lnk_body_vaddr(const struct lnk *l, uint32_t hook);	/* C-convention body; 0: none */
/* The bytes of a CODE_PLAIN step as they are at `vaddr`; false: that is too far away. */
bool     lnk_put_step(struct lnk *l, uint32_t hook, const struct code_step *s, uint64_t vaddr, uint8_t *out);
uint64_t lnk_word_vaddr(const struct lnk *l, uint32_t attach);	/* its enable word */
uint64_t lnk_tramp_vaddr(const struct lnk *l);
uint64_t lnk_cfi_vaddr(const struct lnk *l);
uint64_t lnk_unwind_vaddr(const struct lnk *l);
uint8_t *lnk_tramp_bytes(struct lnk *l);	/* tramp_bytes to be written by the caller */
uint8_t *lnk_cfi_bytes(struct lnk *l);
uint8_t *lnk_unwind_bytes(struct lnk *l);	/* as many as lnk_set_unwind said */
void     lnk_set_site(struct lnk *l, uint32_t attach, uint64_t site_vaddr);
/* The target's own e_entry and DT_INIT (0: none), for bpftime_rt1_start and _start_dso. */
void     lnk_set_start(struct lnk *l, uint64_t entry_vaddr, uint64_t init_vaddr);

/* Unwind information of the payload's own code, as far as its objects bring any (that of
 * trampolines is the caller's); to be found through an .eh_frame_hdr.  The number is known
 * after lnk_layout, addresses after lnk_place. */
struct lnk_fde {
	uint64_t pc_vaddr, fde_vaddr;
};
size_t lnk_n_fdes(const struct lnk *l);
void lnk_fdes(const struct lnk *l, struct lnk_fde *out);

/* Relocates.  *rx and *rw are in the arena. */
int lnk_finish(struct lnk *l, struct bytes *rx, struct bytes *rw, struct diags *dg);

#ifdef __cplusplus
}
#endif
#endif
