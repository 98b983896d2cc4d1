/* SPDX-License-Identifier: MIT
 *
 * build_ids.c - see build_ids.h. */
#include "build_ids.h"

#include "mem.h"
#include "read.h"

static bool is_in(const struct rt_segment *s, uint64_t ip)
{
	return ip - s->start < s->end - s->start;
}

/* Index + 1 of the file that ip is in, entered now; 0: none. */
static uint8_t enter(struct rt_build_ids *b, uint64_t ip)
{
	uint8_t *id = b->in[b->n].id;
	struct rt_module m;

	if (b->n == RT_BUILD_IDS || !rt_module_at(ip, 0, &m) || !rt_module_is_file(&m) ||
	    !m.build_id_bytes || m.build_id_bytes > sizeof(b->in[0].id) ||
	    !rt_module_segment(&m, ip, &b->in[b->n].s))
		return 0;
	rt_zero(id, sizeof(b->in[0].id));
	if (!rt_read_all(id, m.build_id, m.build_id_bytes))
		return 0;
	return (uint8_t)++b->n;
}

void rt_build_ids_find(struct rt_build_ids *b, const uint64_t *ip, uint32_t n)
{
	b->n = 0;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t k = 0;

		while (k < b->n && !is_in(&b->in[k].s, ip[i]))
			k++;
		b->of[i] = k < b->n ? (uint8_t)(k + 1) : enter(b, ip[i]);
	}
}

void rt_build_ids_get(const struct rt_build_ids *b, uint32_t i, uint64_t ip,
		      struct mapfmt_build_id *out)
{
	uint32_t k = b->of[i];

	*out = (struct mapfmt_build_id){ .status = MAPFMT_BUILD_ID_IP, .at = ip };
	if (!k)
		return;
	out->status = MAPFMT_BUILD_ID_VALID;
	rt_copy(out->id, b->in[k - 1].id, sizeof(out->id));
	out->at = ip + b->in[k - 1].s.to_file;
}
