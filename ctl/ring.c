/* SPDX-License-Identifier: MIT */
#include "ring.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/file.h>

#include "rt_maps.h"

int ring_open(const struct mapfile *m, struct diags *dg)
{
	if (m->h.type != MAP_TYPE_ringbuf && m->h.type != MAP_TYPE_perf_event_array)
		return diag(dg, DIAG_M008, at_file(m->ref.label), "its kind is %s, not ringbuf",
			    map_row(m->h.type)->name);
	if (flock(m->fd, LOCK_EX | LOCK_NB))
		return diag(dg, errno == EWOULDBLOCK ? DIAG_M012 : DIAG_E001,
			    at_file(m->ref.label), "%s",
			    errno == EWOULDBLOCK ? "records go to one reader" : strerror(errno));
	return 0;
}

static int damaged(const struct mapfile *m, struct diags *dg)
{
	return diag(dg, DIAG_M002, at_file(m->ref.label),
		    "its positions or lengths make no sense");
}

int ring_next(const struct mapfile *m, struct ring_record *out, struct diags *dg)
{
	int r = rt_ringbuf_peek(&m->m, m->base, &out->data, &out->len);
	const struct rt_perf_sample *s = out->data;

	if (r < 0 || (r && m->h.type == MAP_TYPE_perf_event_array &&
		      (out->len < sizeof(*s) || s->bytes > out->len - sizeof(*s))))
		return damaged(m, dg);
	if (r && m->h.type == MAP_TYPE_perf_event_array) {
		out->data = s->data;
		out->len = s->bytes;
	}
	return r;
}

void ring_done(const struct mapfile *m)
{
	rt_ringbuf_consume(&m->m, m->base);
}

int ring_wait(const struct mapfile *m, struct diags *dg)
{
	return rt_ringbuf_wait(&m->m, m->base, -1) == -EIO ? damaged(m, dg) : 0;
}

int ring_push(const struct mapfile *m, const void *data, size_t bytes, struct diags *dg)
{
	struct loc at = at_file(m->ref.label);

	if (m->h.type != MAP_TYPE_user_ringbuf)
		return diag(dg, DIAG_M008, at, "its kind is %s, not user_ringbuf",
			    map_row(m->h.type)->name);
	switch (-rt_user_ringbuf_push(&m->m, m->base, data,
				      bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)bytes)) {
	case 0:
		return 0;
	case E2BIG:
		return diag(dg, DIAG_M007, at, "%zu bytes do not fit into %" PRIu32, bytes,
			    m->h.max_entries);
	case ENOSPC:
		return diag(dg, DIAG_M007, at, "no room is left in it");
	case EBUSY:
		return diag(dg, DIAG_M007, at, "a process holds a lock in it");
	default:
		return damaged(m, dg);
	}
}
