/* SPDX-License-Identifier: MIT
 *
 * usdt_spec.h - planned probes become rows of the object's map and raised semaphores. */
#ifndef BPFTIME_LINKER_PATCH_USDT_SPEC_H
#define BPFTIME_LINKER_PATCH_USDT_SPEC_H

#include "plan.h"

#ifdef __cplusplus
extern "C" {
#endif

struct usdt_room {		/* the map of one object */
	const uint8_t *bytes;
	uint32_t used;
};
struct usdt_rooms {
	struct usdt_room *room;
	size_t n, cap;
};

/* Gives the program at this site its row and makes the row's number the attach cookie, as
 * usdt.bpf.h expects; bpf_usdt_cookie() reads the cookie it had.  0 or -DIAG_P204. */
int usdt_attach(struct plan *p, struct usdt_rooms *rooms, const struct site *s,
		struct site_attach *at, struct diags *dg);

/* NULL, or why the probe's semaphore cannot be raised. */
const char *usdt_check_semaphore(const struct image *im, const struct usdt_probe *u);
/* Adds the edits that raise the semaphores of all patched probes. */
void usdt_raise(struct plan *p, struct edits *e);

#ifdef __cplusplus
}
#endif
#endif
