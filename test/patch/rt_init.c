/* SPDX-License-Identifier: MIT
 *
 * rt_init.c - the least initialisation: the room of the first map and the control area
 * become pages of the file at descriptor CELLS_FD, which the test reads.  Everything else of
 * the test's archive (slots.c, thunks) is the real runtime. */
#include "arch/x86_64/sys.h"
#include "init.h"
#include "rt.h"

enum { CELLS_FD = 777, CELLS = RT_PAGE_BYTES / 8 };

uint64_t bpftime_rt1_room_array(void) __attribute__((visibility("hidden")));
uint64_t bpftime_rt1_room_array(void) { return 0; }	/* nobody here asks */

enum { NEW, BUSY, DONE };

static uint32_t state;
__attribute__((visibility("hidden"))) int32_t bpftime_rt1_state;

static void set_up(void)
{
	const struct bpftime_payload *pl = &bpftime_rt1_payload;
	const int32_t *rel = BPFTIME_REL(const int32_t, pl->objects_rel);
	const struct objfmt_object *o = BPFTIME_REL(const struct objfmt_object, rel[0]);
	const struct bpftime_map *m = BPFTIME_REL(const struct bpftime_map, o->maps_rel);
	char *control = BPFTIME_REL(char, pl->control_rel);
	uint32_t *word = (uint32_t *)(control + RT_CONTROL_WORDS_OFF);
	const uint64_t *cell = BPFTIME_REL(const uint64_t, m->room_rel);
	uint64_t off, older;

	rt_sys6(SYS_mmap, (uint64_t)BPFTIME_REL(char, m->room_rel), RT_PAGE_BYTES, PROT_READ_WRITE,
		MAP_SHARED | MAP_FIXED, CELLS_FD, 0);
	rt_sys6(SYS_mmap, (uint64_t)control, RT_PAGE_BYTES, PROT_READ_WRITE,
		MAP_SHARED | MAP_FIXED, CELLS_FD, RT_PAGE_BYTES);
	off = cell[CELLS - 2];		/* e2e.h: run() */
	older = cell[CELLS - 1];
	for (uint32_t i = 0; i < pl->n_attach; i++)
		rt_store_release(&word[i], i < 64 && off >> i & 1 ? 0 : i < 64 && older >> i & 1 ? 1 : RT_ENABLED);
}

/* Nobody goes on before everything is in place, a signal handler of the same thread neither:
 * the test counts every call. */
static void init_once(void)
{
	/* With one segment for everything the data part is R-X in the file. */
	uint64_t rw = (uint64_t)BPFTIME_REL(char, bpftime_rt1_payload.rw_rel), old;
	uint64_t async = RT_ASYNC_SIGNALS;
	uint32_t was = NEW;

	rt_sys3(SYS_mprotect, rw, bpftime_rt1_payload.rw_bytes, PROT_READ_WRITE);
	if (rt_load_acquire(&state) == DONE)
		return;
	rt_sys4(SYS_rt_sigprocmask, SIG_BLOCK, &async, &old, SIGSET_BYTES);
	if (rt_cas(&state, &was, BUSY)) {
		set_up();
		rt_store_release(&state, DONE);
		rt_store_release(&bpftime_rt1_state, RT_INIT_DONE);
	}
	while (rt_load_acquire(&state) != DONE)
		rt_sys0(SYS_sched_yield);
	rt_sys4(SYS_rt_sigprocmask, SIG_SETMASK, &old, 0, SIGSET_BYTES);
}

uint64_t rt_init(void)
{
	init_once();
	return 0;
}

uint64_t rt_cold(uint64_t attach)
{
	const char *control = BPFTIME_REL(char, bpftime_rt1_payload.control_rel);
	const uint32_t *word = (const uint32_t *)(control + RT_CONTROL_WORDS_OFF);

	init_once();
	return rt_load(&word[attach]) != 0;
}
