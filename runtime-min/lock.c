/* SPDX-License-Identifier: MIT
 *
 * lock.c - waiting for a lock, and taking it over from the dead (docs/maps.md). */
#include "lock.h"

#include "arch/x86_64/sys.h"
#include "proc.h"

enum {
	SPINS = 480,			/* pauses before one sleeps */
	PAUSES_FIRST = 2, PAUSES_LAST = 64,	/* between two looks */
	SLEEP_FIRST_NS = 50000, SLEEP_LAST_NS = 2000000,
	WAIT_NS = 20000000,	/* in all */
	STALLED_NS = 100000000,	/* an owner that was waited for in vain is not waited for again */
};

uint64_t *rt_busy_counter;

/* The last wait that ran out.  Races only make a wait longer or shorter. */
static uint64_t stalled_at, stalled_owner, stalled_until;

/* Pauses before the first look, beyond PAUSES_FIRST.  Each look takes the line from who works under the lock, and a
 * lock that was taken at the last ones is one that somebody takes again and again: leaving it to him for a while, then to
 * the other, costs less than handing it over each time. */
static uint32_t patience;

static uint64_t now_ns(void)
{
	struct rt_timespec t = { 0, 0 };

	rt_sys2(SYS_clock_gettime, CLOCK_MONOTONIC, &t);
	return (uint64_t)t.s * 1000000000 + (uint64_t)t.ns;
}

bool rt_owner_dead(uint64_t owner, uint64_t me)
{
	if (!RT_OWNER_NS(owner) || RT_OWNER_NS(owner) != RT_OWNER_NS(me))
		return false;
	return rt_thread_gone(RT_OWNER_TID(owner), RT_OWNER_START(owner),
			      (1u << RT_START_BITS) - 1);
}

int rt_busy(void)
{
	uint64_t *n = rt_load(&rt_busy_counter);

	if (n)
		rt_add(n, 1);
	return -RT_EBUSY;
}

uint32_t rt_ns_index(uint32_t *table, uint64_t me)
{
	uint32_t ns = RT_OWNER_NS(me);

	for (uint32_t i = 0; ns && i < RT_NS_TABLE; i++) {
		uint32_t was = rt_load_acquire(&table[i]);

		if (!was && rt_cas(&table[i], &was, ns))
			return i + 1;
		if (was == ns)
			return i + 1;
	}
	return 0;
}

bool rt_owner_word_dead(const uint32_t *ns, uint32_t owner, uint64_t me)
{
	uint32_t i = owner >> RT_TID_BITS & RT_NS_TABLE;

	if (!i || rt_load_acquire(&ns[i - 1]) != RT_OWNER_NS(me))
		return false;
	return rt_thread_gone(RT_OWNER_TID(owner), owner >> (RT_TID_BITS + RT_NS_INDEX_BITS),
			      (1u << RT_START_LOW_BITS) - 1);
}

/* Who waits for what: a word of 64 bits or, with `narrow`, a bpf_spin_lock of 32. */
struct waiter {
	void           *word;
	uint64_t        me;
	uint64_t        mine;	/* what the word is when it is taken by me */
	bool            narrow;
	const uint32_t *ns;	/* narrow: the table, NULL: none */
};

static uint64_t look(const struct waiter *w)
{
	return w->narrow ? rt_load((uint32_t *)w->word) : rt_load((uint64_t *)w->word);
}

static bool take(const struct waiter *w, uint64_t owner)
{
	uint32_t narrow = (uint32_t)owner;

	return w->narrow ? rt_cas((uint32_t *)w->word, &narrow, (uint32_t)w->mine)
			 : rt_cas((uint64_t *)w->word, &owner, w->mine);
}

static bool dead(const struct waiter *w, uint64_t owner)
{
	if (w->narrow)
		return w->ns && rt_owner_word_dead(w->ns, (uint32_t)owner, w->me);
	return rt_owner_dead(owner, w->me);
}

static bool stalled(const struct waiter *w, uint64_t owner, uint64_t now)
{
	return rt_load(&stalled_at) == (uint64_t)(uintptr_t)w->word &&
	       rt_load(&stalled_owner) == owner && now < rt_load(&stalled_until);
}

static void remember_stall(const struct waiter *w, uint64_t owner, uint64_t now)
{
	rt_store(&stalled_at, (uint64_t)(uintptr_t)w->word);
	rt_store(&stalled_owner, owner);
	rt_store(&stalled_until, now + STALLED_NS);
}

/* Until the word changes (seen at the next look), or `ns` have passed. */
static void sleep_on(const struct waiter *w, uint64_t owner, int64_t ns)
{
	struct rt_timespec t = { 0, ns };

	rt_sys6(SYS_futex, (uint64_t)(uintptr_t)w->word, FUTEX_WAIT, (uint32_t)owner,
		(uint64_t)(uintptr_t)&t, 0, 0);
}

static int wait_for(const struct waiter *w)
{
	uint64_t owner = 0, began, now;
	int64_t ns = SLEEP_FIRST_NS;

	for (uint32_t i = 0, n = PAUSES_FIRST + rt_load(&patience); i < SPINS;
	     i += n, n = n < PAUSES_LAST / 2 ? 2 * n : PAUSES_LAST) {
		for (uint32_t k = 0; k < n; k++)
			rt_pause();
		owner = look(w);
		if (owner == w->mine)
			return -RT_EBUSY;
		if (owner || !take(w, 0))
			continue;
		rt_store(&patience, n - PAUSES_FIRST - (!i && n > PAUSES_FIRST));
		return 0;
	}
	began = now = now_ns();
	for (;;) {
		owner = look(w);
		if (owner == w->mine)
			return -RT_EBUSY;
		if ((!owner || dead(w, owner)) && take(w, owner))
			return 0;
		if (owner && stalled(w, owner, now))
			return -RT_EBUSY;
		if (now - began >= WAIT_NS)
			break;
		if (owner)
			sleep_on(w, owner, ns);
		if (owner && ns < SLEEP_LAST_NS)
			ns *= 2;
		now = now_ns();
	}
	remember_stall(w, owner, now);
	return -RT_EBUSY;
}

int rt_lock_wait(uint64_t *lock, uint64_t me)
{
	return wait_for(&(struct waiter){ .word = lock, .me = me, .mine = me });
}

uint64_t rt_spin_wait(uint64_t ns, uint64_t lock, uint64_t me)
{
	uint32_t *table = (uint32_t *)ns;
	struct waiter w = { .word = (void *)lock, .me = me, .narrow = true, .ns = table };

	w.mine = rt_owner_word(me, table ? rt_ns_index(table, me) : 0);
	return wait_for(&w) ? (uint64_t)(int64_t)rt_busy() : 0;
}
