/* SPDX-License-Identifier: MIT
 *
 * load.h - a payload in this process: what `bpftime-aot run` and tests call programs by.
 * No target binary, no sites; the code is the very same that would be spliced. */
#ifndef BPFTIME_LINKER_LOAD_H
#define BPFTIME_LINKER_LOAD_H

#include "payload.h"

#ifdef __cplusplus
extern "C" {
#endif

struct lnk_loaded {
	const struct lnk *lnk;
	uint8_t *base;		/* RX pages, then RW pages */
	size_t   bytes, rx_bytes;	/* whole pages */
};

/* Lays out, maps (RX without W, RW without X) and initialises the runtime of `l`, whose
 * objects and attach points have been added.  bits: PAYLOAD_*; PAYLOAD_PRIVATE keeps the
 * maps in this process's memory.
 * Returns 0, -DIAG_L... as the steps of payload.h do, or -DIAG_E003 (no memory). */
int lnk_load_here(struct lnk *l, uint32_t bits, struct lnk_loaded *out, struct diags *dg);

/* The first hook of that program name: its body (objfmt.h: body_rel); NULL when there is
 * no such program or it has no body. */
typedef uint64_t lnk_body_fn(void *ctx, uint64_t arg);
lnk_body_fn *lnk_loaded_body(const struct lnk_loaded *p, const char *prog);
/* Index of the first hook of that program name, or -1.  Addresses: lnk_entry_vaddr() and
 * its like are addresses in this process. */
int64_t lnk_find_hook(const struct lnk *l, const char *prog);

/* A map of the first object that has one of that name, NULL when none has. */
struct bpftime_map;
const struct bpftime_map *lnk_loaded_map(const struct lnk_loaded *p, const char *map);

/* Its data; NULL when init found no memory for it. */
void *lnk_loaded_base(const struct bpftime_map *m);

/* Writes the addresses of externs (objfmt.h) into their slots: fn gives each, NULL when there is
 * none.  Returns 0 or -DIAG_L014. */
struct objfmt_extern;
typedef void *lnk_extern_fn(void *arg, const struct objfmt_extern *row, const char *name);
int lnk_loaded_bind(const struct lnk_loaded *p, lnk_extern_fn *fn, void *arg, struct diags *dg);

/* Unmaps it.  Not for payloads with PAYLOAD_READS_FAST: their signal handler stays. */
void lnk_unload(struct lnk_loaded *p);

#ifdef __cplusplus
}
#endif
#endif
