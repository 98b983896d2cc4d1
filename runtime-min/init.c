/* SPDX-License-Identifier: MIT
 *
 * init.c - makes a payload ready to run: maps, control area, enable words.
 *
 * Invariant: an enable word is 0 until everything that its program uses is in place.
 * All of it can be started over: a child made by fork() while another thread was in the
 * middle inherits a half-done state and nobody who finishes it. */
#include "init.h"

#include "arch/x86_64/sys.h"
#include "fault.h"
#include "mem.h"
#include "payload_off.h"
#include "rt_maps.h"
#include "rt.h"

_Static_assert(offsetof(struct bpftime_payload, entry_rel) == PAYLOAD_ENTRY_REL, "start.S");
_Static_assert(offsetof(struct bpftime_payload, init_rel) == PAYLOAD_INIT_REL, "start.S");

enum {
	PROT_RW = 3, MAP_SHARED_ANON = 0x21, MAP_FIX = 0x10, PAGE = 4096,
	STATE_NEW = 0, STATE_DONE = -1,	/* else: the tid of the thread that initialises */
};

static int32_t state;

void *rt_anon_shared(void *at, uint64_t bytes)
{
	int64_t p = rt_sys6(SYS_mmap, (uint64_t)at, bytes, PROT_RW,
			    MAP_SHARED_ANON | (at ? MAP_FIX : 0), (uint64_t)-1, 0);

	return p < 0 && p > -PAGE ? NULL : (void *)p;
}

/* Memory for a map without a file.  First contents of a room are in the payload. */
static bool map_privately(const struct bpftime_map *m)
{
	void **slot = BPFTIME_REL(void *, m->slot_rel);
	const void *first = BPFTIME_REL(const void, m->init_rel);
	uint64_t bytes = rt_map_mapped_bytes(m, 1);
	char *p;

	if (!slot)
		return true;
	p = bytes ? rt_anon_shared(NULL, MAPFMT_HEADER_BYTES + bytes) : NULL;
	if (!p)
		return false;
	rt_map_header((struct mapfmt_header *)p, m, 1, "", "", bpftime_rt1_payload.id);
	p += MAPFMT_HEADER_BYTES;
	rt_map_format(m, p, 1);
	if (first)
		rt_copy(p, first, m->init_bytes);
	rt_store_release(slot, (void *)p);
	return true;
}

static bool set_up_maps(void)
{
	const struct bpftime_payload *pl = &bpftime_rt1_payload;
	const int32_t *rel = BPFTIME_REL(const int32_t, pl->objects_rel);
	bool ok = true;

	for (uint32_t i = 0; i < pl->n_objects; i++) {
		const struct objfmt_object *o = BPFTIME_REL(const struct objfmt_object, rel[i]);
		const struct bpftime_map *m = BPFTIME_REL(const struct bpftime_map, o->maps_rel);

		for (uint32_t k = 0; k < o->n_maps; k++)
			ok &= map_privately(&m[k]);
	}
	return ok;
}

static uint32_t *enable_words(void)
{
	char *area = BPFTIME_REL(char, bpftime_rt1_payload.control_rel);

	return (uint32_t *)(area + RT_CONTROL_WORDS_OFF);
}

static void set_up_control(void)
{
	const struct bpftime_payload *pl = &bpftime_rt1_payload;
	struct rt_control *c = BPFTIME_REL(struct rt_control, pl->control_rel);
	uint32_t *word = enable_words();

	c->magic = RT_CONTROL_MAGIC;
	c->version = RT_CONTROL_VERSION;
	c->size = sizeof(*c);
	c->n_attach = pl->n_attach;
	rt_copy(c->payload_id, pl->id, sizeof(c->payload_id));
	for (uint32_t i = 0; i < pl->n_attach; i++)
		rt_store_release(&word[i], 1);
}

/* Is that thread one of this process? */
static bool alive_here(int32_t tid)
{
	return rt_sys3(SYS_tgkill, rt_sys0(SYS_getpid), tid, 0) != -RT_ESRCH;
}

uint64_t rt_init(void)
{
	int32_t me, was = rt_load_acquire(&state);

	if (was == STATE_DONE)
		return 1;
	me = (int32_t)rt_sys0(SYS_gettid);
	for (;;) {
		if (was == STATE_DONE || was == me)	/* me: a signal handler in the middle */
			return 1;
		if (was == STATE_NEW || !alive_here(was)) {
			if (rt_cas(&state, &was, me))
				break;
		} else {
			rt_sys0(SYS_sched_yield);
			was = rt_load_acquire(&state);
		}
	}
	if (bpftime_rt1_payload.bits & PAYLOAD_READS_FAST)
		rt_fault_setup();
	if (set_up_maps())
		set_up_control();
	rt_store_release(&state, STATE_DONE);
	return 0;
}

uint64_t rt_cold(uint64_t attach)
{
	const struct bpftime_attach *at =
		BPFTIME_REL(const struct bpftime_attach, bpftime_rt1_payload.attach_rel);

	rt_init();
	return rt_load_acquire(&enable_words()[at[attach].word]) != 0;
}

void rt_start(const uint64_t *sp)
{
	(void)sp;
	rt_init();
}
