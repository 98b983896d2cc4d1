/* SPDX-License-Identifier: MIT
 *
 * record.h - what a patched file remembers about how it was made (.bpftime.meta), so that
 * hooks can be listed and a later run can plan the union from the original.
 *
 * Serialised little endian, self-contained; read back as hostile input. */
#ifndef BPFTIME_LINKER_PATCH_RECORD_H
#define BPFTIME_LINKER_PATCH_RECORD_H

#include "arena.h"
#include "diag.h"
#include "reader.h"

#ifdef __cplusplus
extern "C" {
#endif

struct record_object {
	const char  *path;	/* as given; for messages */
	struct bytes obj;	/* the hook object, whole */
};

/* What the symbol of a request is. */
enum want_at {
	AT_SYMBOL,	/* function or import, with offset; or a pattern */
	AT_USDT,	/* PROVIDER:NAME */
	AT_SYSCALL,	/* sys_enter_NAME, sys_exit_NAME, sys_enter, sys_exit */
	AT_FILE_OFFSET,	/* vaddr is an offset in the file */
};

/* One request of the command line, or of a SEC() name. */
struct record_want {
	uint32_t    object;	/* index in the record */
	uint32_t    hook;	/* index among that object's hooks */
	bool        ret;
	uint8_t     at;		/* enum want_at */
	const char *symbol;	/* NULL with has_vaddr */
	bool        has_vaddr;
	uint64_t    vaddr, off_bytes, cookie;
};

struct record {
	struct record_object *object;
	size_t      n_object, cap_object;
	struct record_want *want;
	size_t      n_want, cap_want;
	const char *dir;	/* stamped map directory, or NULL */
	uint32_t    bits;	/* PAYLOAD_* */
};

/* The bytes of a record, in the arena. Equal records give equal bytes. */
struct bytes record_write(struct arena *a, const struct record *r);

/* Returns 0, or -DIAG_P020 when the bytes are not a whole record of a known version. */
int record_read(struct arena *a, struct bytes b, const char *path, struct record *out,
		struct diags *dg);

/* Adds, unless an equal one is there already; returns its index. */
uint32_t record_add_object(struct arena *a, struct record *r, const char *path, struct bytes obj);
void     record_add_want(struct arena *a, struct record *r, const struct record_want *w);

#ifdef __cplusplus
}
#endif
#endif
