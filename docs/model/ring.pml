/* SPDX-License-Identifier: MIT
 *
 * ring.pml - the ring buffer of docs/maps.md: producers that may be killed before any of
 * their steps, one consumer that sleeps.
 *
 * Records are one slot long; positions count slots.  As in hash.pml a step is one load or
 * store, and loads under the lock of what only its owner stores to are joined.
 *
 * Bounds: -DPRODUCERS -DOPS (of each) -DKILLS -DCAP (slots)
 * -DBUG=1..3 leaves something out; the search must then find an error. */
#ifndef PRODUCERS
#define PRODUCERS 2
#endif
#ifndef OPS
#define OPS 2
#endif
#ifndef KILLS
#define KILLS 1
#endif
#ifndef CAP
#define CAP 2
#endif
#ifndef BUG
#define BUG 0
#endif

#define RECORDS 9

mtype = { NEVER, BUSY, READY, DISCARD };

byte lock_, cons, prod, pend;
mtype hdr[CAP];
byte owner[CAP], lo[CAP], hi[CAP];
bool waiting, asleep;

byte kills = KILLS;
bool dead[PRODUCERS + 2];
byte done;
bool submitted[RECORDS], seen[RECORDS];	/* by value; values differ, 0 is none */

#define STEP(x) if :: d_step { x } :: d_step { kills > 0 -> kills--; dead[me] = true } goto died fi

inline lock_ring()
{
	if
	:: d_step { lock_ == 0 || dead[lock_] || BUG == 1 -> lock_ = me }
	:: d_step { kills > 0 -> kills--; dead[me] = true } goto died
	fi
}

inline advance()
{
	d_step {
		do
		:: pend < prod && hdr[pend % CAP] != BUSY -> pend = pend + 1
		:: else -> break
		od
	}
}

/* under the lock: the oldest unfinished record, if its owner is dead */
inline reap()
{
	d_step {
		if
		:: pend < prod && hdr[pend % CAP] == BUSY && dead[owner[pend % CAP]] ->
			hdr[pend % CAP] = DISCARD
		:: else
		fi
	}
}

inline wake()
{
	STEP( w = waiting; )
	if
	:: w ->
		STEP( c = cons; )
		if
		:: c == p ->
			STEP( waiting = 0; )
			STEP( asleep = 0; )
		:: else
		fi
	:: else
	fi
}

proctype producer(byte me)
{
	byte n = 0, p, c, v, w;

	do
	:: n == OPS -> break
	:: else ->
		n++;
		v = OPS * (me - 1) + n;
		lock_ring();
		advance();
		reap();
		advance();
		STEP( c = cons; )
		if
		:: prod + 1 - c > CAP || prod + 1 - pend > CAP ->
			STEP( lock_ = 0; )	/* no room: dropped, and said so */
		:: else ->
			p = prod;
			if
			:: BUG == 2 -> STEP( prod = p + 1; )
			:: else
			fi;
			STEP( owner[p % CAP] = me; )
			STEP( hdr[p % CAP] = BUSY; )
			if
			:: BUG != 2 -> STEP( prod = p + 1; )
			:: else
			fi;
			STEP( lock_ = 0; )
			STEP( lo[p % CAP] = v; )
			STEP( hi[p % CAP] = v; )
			if
			:: STEP( hdr[p % CAP] = READY; submitted[v] = true; )
			:: STEP( hdr[p % CAP] = DISCARD; )
			fi;
			wake()
		fi
	od;
died:	done++
}

proctype consumer()
{
	byte c, l, h, looks;
	mtype t;
	byte me = PRODUCERS + 1;

	do
	:: c = cons;
		looks = 0;
look:		if
		:: c == prod || hdr[c % CAP] == BUSY ->
			if
			:: looks == 0 && BUG != 3 -> looks = 1; waiting = 1; goto look
			:: looks == 0 && BUG == 3 -> waiting = 1
			:: else
			fi;
			if	/* FUTEX_WAIT sleeps while the word is 1 */
			:: atomic { waiting -> asleep = 1 }
			:: !waiting
			fi;
			if
			:: !asleep
			:: timeout ->
				/* Nothing else moves.  Either there is nothing to read, or the oldest
				 * record's owner is dead, or somebody died on the way to wake us. */
				if
				:: c == prod -> assert(done == PRODUCERS); break
				:: else
				fi;
				assert(kills < KILLS);
				assert(hdr[c % CAP] != BUSY || dead[owner[c % CAP]]);
				atomic { lock_ == 0 || dead[lock_] -> lock_ = me };
				advance();
				reap();
				lock_ = 0;
				asleep = 0
			fi
		:: else ->
			t = hdr[c % CAP];
			if
			:: t == READY ->
				l = lo[c % CAP];
				h = hi[c % CAP];
				assert(l == h && l != 0);	/* whole, and written */
				assert(submitted[l] && !seen[l]);	/* R2, once */
				seen[l] = true
			:: t == DISCARD
			:: else -> assert(false)
			fi;
			cons = c + 1
		fi
	od;
	for (l : 0 .. RECORDS - 1) {
		assert(submitted[l] == seen[l])		/* nothing is lost */
	}
}

init
{
	byte i;

	d_step { for (i : 0 .. CAP - 1) { hdr[i] = NEVER } }
	atomic {
		for (i : 1 .. PRODUCERS) { run producer(i) }
		run consumer()
	}
}
