/* SPDX-License-Identifier: MIT
 *
 * init.c - makes a payload ready to run: maps, control area, enable words.
 *
 * Invariant: an enable word is 0 until everything that its program uses is in place.
 * All of it can be started over: a child made by fork() while another thread was in the
 * middle inherits a half-done state and nobody who finishes it. */
#include "init.h"

#include "arch/x86_64/sys.h"
#include "control.h"
#include "dir.h"
#include "fault.h"
#include "files.h"
#include "lock.h"
#include "payload_off.h"
#include "rel.h"

_Static_assert(offsetof(struct bpftime_payload, entry_rel) == PAYLOAD_ENTRY_REL, "start.S");
_Static_assert(offsetof(struct bpftime_payload, init_rel) == PAYLOAD_INIT_REL, "start.S");

enum {
	STATE_NEW = 0, STATE_DONE = RT_INIT_DONE,	/* else: the tid of the thread that initialises */
};

__attribute__((visibility("hidden"))) int32_t bpftime_rt1_state;

/* Before the first write to the RW part, wherever that is. */
static void make_writable(void)
{
	const struct bpftime_payload *pl = &bpftime_rt1_payload;

	if (pl->bits & PAYLOAD_ONE_SEGMENT)
		rt_sys3(SYS_mprotect, RT_REL(void, pl->rw_rel), pl->rw_bytes, PROT_READ_WRITE);
}

/* Only for who reads the target's memory, or asks which thread it is in. */
RT_WEAK(rt_fault_setup);
RT_WEAK(rt_self_setup);

static void set_up(uint64_t blocked)
{
	void (*fault_setup)(uint64_t) = RT_LINKED(rt_fault_setup);
	void (*self_setup)(void) = RT_LINKED(rt_self_setup);
	int64_t dir, n_private;

	if (bpftime_rt1_payload.bits & PAYLOAD_READS_FAST && fault_setup)
		fault_setup(blocked);
	if (self_setup)
		self_setup();
	dir = rt_dir_open();
	n_private = rt_files_attach(dir);
	if (n_private >= 0) {	/* else a map has no memory: the hooks stay disabled */
		rt_control_attach(dir);
		rt_add(&rt_control()->private_maps, (uint64_t)n_private);
		rt_store_release(&rt_busy_counter, &rt_control()->busy);
	}
	if (dir >= 0)
		rt_sys1(SYS_close, dir);
}

/* Is that thread one of this process? */
static bool alive_here(int32_t tid)
{
	return rt_sys3(SYS_tgkill, rt_sys0(SYS_getpid), tid, 0) != -RT_ESRCH;
}

/* False when another thread did it meanwhile, or this one is at it: a handler of a signal
 * that its own instructions raise, which skips its hooks. */
static bool set_up_once(uint64_t blocked)
{
	int32_t me = (int32_t)rt_sys0(SYS_gettid), was = rt_load_acquire(&bpftime_rt1_state);

	while (was != STATE_DONE && was != me) {
		if (was == STATE_NEW || !alive_here(was)) {
			if (!rt_cas(&bpftime_rt1_state, &was, me))
				continue;
			set_up(blocked);
			rt_store_release(&bpftime_rt1_state, STATE_DONE);
			return true;
		}
		rt_sys0(SYS_sched_yield);
		was = rt_load_acquire(&bpftime_rt1_state);
	}
	return false;
}

/* Signals are held off: a handler's hooks would find their words still 0 and be lost, and one
 * that leaves by longjmp would leave everybody else waiting. */
uint64_t rt_init(void)
{
	uint64_t async = RT_ASYNC_SIGNALS, old;
	bool did;

	if (rt_load_acquire(&bpftime_rt1_state) == STATE_DONE)
		return 1;
	rt_sys4(SYS_rt_sigprocmask, SIG_BLOCK, &async, &old, SIGSET_BYTES);
	make_writable();
	did = set_up_once(old);
	rt_sys4(SYS_rt_sigprocmask, SIG_SETMASK, &old, 0, SIGSET_BYTES);
	return !did;
}

uint64_t rt_cold(uint64_t attach)
{
	const struct bpftime_attach *at =
		RT_REL(const struct bpftime_attach, bpftime_rt1_payload.attach_rel);

	rt_init();
	return rt_load_acquire(&rt_control_words()[at[attach].word]) != 0;
}

void rt_start(const uint64_t *sp)
{
	make_writable();
	if (sp)
		rt_dir_started(sp);
	rt_init();
}
