/* SPDX-License-Identifier: MIT
 *
 * entry.h - the entries of an open map: which keys there are, how one is read from a command
 * line, how it is shown. */
#ifndef BPFTIME_CTL_ENTRY_H
#define BPFTIME_CTL_ENTRY_H

#include "json.h"
#include "mapfile.h"
#include "reader.h"

#ifdef __cplusplus
extern "C" {
#endif

/* All keys, in order: numbers by value, others byte by byte, each once.  Keys that come and go
 * meanwhile may or may not be among them.
 * Returns 0, -DIAG_M007 (a lock stayed taken), -DIAG_M008 (a kind without keys). */
struct entry_keys {
	const uint8_t *key;	/* n * key_size bytes */
	size_t n;
};
int entry_keys(const struct mapfile *m, struct arena *a, struct entry_keys *out,
	       struct diags *dg);

/* Where among them a key is, or -1. */
int64_t entry_find(const struct mapfile *m, const struct entry_keys *keys, const void *key);

/* Copies the value of a key; `value` has m->value_bytes.  Returns 0, -DIAG_M006, -DIAG_M007,
 * -DIAG_M008. */
int entry_get(const struct mapfile *m, const void *key, void *value, struct diags *dg);
/* flags: enum map_update_flags.  Same results. */
int entry_set(const struct mapfile *m, const void *key, const void *value, uint64_t flags,
	      struct diags *dg);
int entry_delete(const struct mapfile *m, const void *key, struct diags *dg);

/* Takes out up to `room` entries of a hash map, a bucket at a time; *n of them.
 * Returns 1 when there may be more (none came: `room` is too small for a bucket), 0 at the end,
 * -DIAG_M007, -DIAG_M008. */
struct entry_cursor {		/* zeroed at first */
	uint32_t bucket;
	bool     begun;
};
int entry_take(const struct mapfile *m, void *keys, void *values, uint32_t room, uint32_t *n,
	       struct entry_cursor *at, struct diags *dg);

/* Reads words into the bytes of a key or of one value (of all CPUs, each the same):
 * "hex 0a 00 ..", or numbers and strings as the BTF type has them, one a member.
 * Takes words from *word on, and advances it.  Returns 0 or -DIAG_M005. */
int entry_parse_key(const struct mapfile *m, char ***word, size_t *n_word, void *key,
		    struct diags *dg);
/* Words that are all of a sample: "hex 0a 00 ..", or one text.  Returns 0 or -DIAG_M005. */
int entry_parse_sample(const struct mapfile *m, char **word, size_t n_word, struct arena *a,
		       struct bytes *out, struct diags *dg);
int entry_parse_value(const struct mapfile *m, char ***word, size_t *n_word, void *value,
		      struct diags *dg);

/* {"key":["0x01",..],"value":[..],"formatted":{..}}, as bpftool writes it. */
void entry_json(const struct mapfile *m, struct json *j, const void *key, const void *value);
/* "KEY: VALUE\n" */
void entry_text(const struct mapfile *m, FILE *out, const void *key, const void *value);
void entry_text_key(const struct mapfile *m, FILE *out, const void *key);
void entry_text_value(const struct mapfile *m, FILE *out, const void *value);

/* Of a map of maps: the name of the map that a value stands for. */
const char *entry_inner_name(const void *value);

/* Is the value a number (by BTF, or by its size when there is none)?  Then *v is it, summed
 * over CPUs. */
bool entry_number(const struct mapfile *m, const void *value, int64_t *v);

#ifdef __cplusplus
}
#endif
#endif
