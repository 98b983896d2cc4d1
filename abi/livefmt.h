/* SPDX-License-Identifier: MIT
 *
 * livefmt.h - what a payload in a running process says about itself, so that a later
 * process can take it out again.
 *
 *     one mapping, R-X    head | payload RX | record      } the parts of the payload keep
 *     the next one, RW    payload RW                      } the distance they were linked for
 *
 * Where an unwinder has to know of a payload there is another mapping, R-X, with a head alike.
 * The head is at the start of a mapping that has no file; its own address is in it. All of it is
 * written before the first site is, so what a killed patcher leaves can be taken out as well. */
#ifndef BPFTIME_ABI_LIVEFMT_H
#define BPFTIME_ABI_LIVEFMT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LIVEFMT_MAGIC 0x31767966696c7062ull	/* "bplifyv1" */
enum { LIVEFMT_VERSION = 2, LIVEFMT_NAME_BYTES = 4096, LIVEFMT_EDITS = 1 << 20 };

enum livefmt_state {
	LIVE_ATTACHED = 1,	/* or about to be, or half of it is */
	LIVE_DETACHED = 2,	/* no site leads here any more, but a thread may still be inside */
};

struct livefmt_head {
	uint64_t magic;
	uint16_t version, size;
	uint32_t state;		/* enum livefmt_state */
	uint64_t self;		/* where this is */
	uint64_t rx_bytes, rw_bytes;	/* whole pages; RW follows RX */
	uint64_t payload_off;	/* struct bpftime_payload */
	uint64_t record_off, record_bytes;
	uint64_t bias;		/* of the hooked module: memory address - address in its file */
	uint32_t seq;		/* in the order of attaching; taken out the other way round */
	uint32_t bits;		/* enum livefmt_bits */
	uint32_t n_site, reserved;
	uint64_t serves;	/* LIVE_UNWIND: self of the payload whose frames it describes */
};

enum livefmt_bits {
	LIVE_CALLS = 1,	/* return hooks that call the function: frames may lead back here unseen */
	LIVE_SLOTS = 2,	/* return hooks with slots: those that are not free have frames */
	LIVE_UNWIND = 4,	/* no payload, but code and a table for an unwinder: it stays as long as
				 * frames of what it serves may be on a stack */
};

/* At record_off: the path of the module, then n_edit rows, then the bytes they name by offset
 * from the record's start. */
struct livefmt_record {
	uint32_t n_edit, path_bytes;	/* with its NUL */
	uint64_t edits_off;
	uint64_t slots_off;	/* of the first struct rt_slot, from the head; 0: none */
};
enum livefmt_edit_kind {
	LIVE_CODE = 1,		/* bytes of a site */
	LIVE_COUNTER = 2,	/* a 16-bit semaphore that was raised by one */
};
struct livefmt_edit {
	uint64_t at;		/* memory address */
	uint32_t bytes, kind;
	uint64_t before_off, after_off;
};

#ifdef __cplusplus
}
#endif
#endif
