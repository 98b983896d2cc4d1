/* SPDX-License-Identifier: MIT
 *
 * hash.pml - the hash map of docs/maps.md: writers that may be killed before any of their
 * steps, a reader that copies, and at the end somebody who visits every bucket.
 *
 * One step of the model is one load or store of the code; loads that the code does under
 * the bucket's lock, where nobody else stores, are joined.  The model is sequentially
 * consistent: the code's stores are releases, its loads acquires, and a lock is taken with a
 * full barrier; the protocol never needs a store to be seen before a later load elsewhere.
 *
 * Bounds: -DWRITERS -DOPS (of each) -DKILLS -DREADS
 * -DSPARE begins with a spare entry in bucket 1 and no other free one.
 * -DBUG=1..5 leaves something out; the search must then find an error. */
#ifndef BUG
#define BUG 0
#endif
#ifndef WRITERS
#define WRITERS 2
#endif
#ifndef OPS
#define OPS 1
#endif
#ifndef KILLS
#define KILLS 1
#endif
#ifndef READS
#define READS 1
#endif

#define N 2		/* entries */
#define B 2		/* buckets; key k belongs to bucket k % B */
#define KEYS 3
#define END 8		/* END + b */
#define NONE 0		/* no value */
#define SPARES 255

byte block_[B], head[B], pending[B];
bool spare[B];		/* a bit of pending */
byte spares;
byte slock, top, stack[N];
byte next[N], home[N], key[N], seq[N];
bool live[N], act[N];
byte lo[4], hi[4];	/* value c of entry x: index 2x + c; two halves, to see tearing */

byte kills = KILLS;
bool dead[WRITERS + 2];	/* by id; ids start at 1 */
byte done;

/* What the map holds, by the last steps of completed operations; and what a reader of
 * `watch` may answer: every content since its start, as bits. */
byte spec[KEYS];
byte watch = 255;
int may;

inline linearize(k, v)
{
	spec[k] = v;
	if
	:: watch == k -> may = may | (1 << v)
	:: else
	fi
}

/* One step, or death before it. */
#define STEP(x) if :: d_step { x } :: d_step { kills > 0 -> kills--; dead[me] = true } goto died fi

inline lock_bucket(b)
{
	if
	:: d_step { block_[b] == 0 || dead[block_[b]] -> block_[b] = me }
	:: d_step { kills > 0 -> kills--; dead[me] = true } goto died
	fi
}

/* ok = 0: gave up, the bounded wait ran out */
inline lock_shard(ok)
{
	if
	:: d_step { slock == 0 || dead[slock] -> slock = me; ok = 1 }
	:: d_step { slock != 0 && !dead[slock] -> ok = 0 }
	:: d_step { kills > 0 -> kills--; dead[me] = true } goto died
	fi
}

inline find(b, k)	/* under b's lock: x = entry or N, p = predecessor or N */
{
	d_step {
		p = N; x = head[b];
		do
		:: x >= END -> x = N; break
		:: x < END && key[x] == k -> break
		:: else -> p = x; x = next[x]
		od
	}
}

inline in_chain(b, e)
{
	d_step {
		x = head[b];
		do
		:: x >= END -> break
		:: x < END && x == e -> break
		:: else -> x = next[x]
		od
	}
}

inline push(e, b)	/* under the shard's lock */
{
	STEP( stack[top] = e; )
	STEP( top = top + 1; )
	STEP( home[e] = 0; )
}

inline repair(b)	/* a spare entry is given back */
{
	if
	:: pending[b] == 0 || (BUG == 1 && !spare[b]) -> ok = 1
	:: pending[b] != 0 && spare[b] ->
		e = pending[b] - 1;
		STEP( spare[b] = false; )
		lock_shard(ok);
		if
		:: ok == 0
		:: else ->
			push(e, b);
			STEP( slock = 0; )
			STEP( pending[b] = 0; )
		fi
	:: else ->
		e = pending[b] - 1;
		in_chain(b, e);
		if
		:: x == e && live[e] -> ok = 1
		:: x == e && !live[e] ->	/* all but the last step of an insert */
			STEP( live[e] = true; seq[e]++; linearize(key[e], lo[2 * e]); )
			ok = 1
		:: else ->
			lock_shard(ok);
			if
			:: ok == 0
			:: else ->
				if
				:: home[e] != b + 1 && BUG != 3
				:: else ->
					d_step {
						i = 0;
						do
						:: i < top && stack[i] != e -> i++
						:: else -> break
						od
					}
					if
					:: i < top -> STEP( home[e] = 0; )
					:: else ->
						STEP( live[e] = false; seq[e]++; )
						push(e, b)
					fi
				fi;
				STEP( slock = 0; )
			fi
		fi;
		if
		:: ok == 1 -> STEP( pending[b] = 0; )
		:: else
		fi
	fi
}

inline settle(b)	/* nothing is pending but a spare entry */
{
	if
	:: spare[b] -> ok = 1
	:: else -> repair(b)
	fi
}

/* No bucket is locked. */
inline collect()
{
	STEP( spares = me; all = true; )
	for (j : 0 .. B - 1) {
		if
		:: d_step { block_[j] == 0 && pending[j] == 0 -> skip }
		:: d_step { BUG == 4 && block_[j] != 0 -> skip }
		:: d_step { block_[j] != 0 && !dead[block_[j]] && BUG != 4 -> all = false }	/* the wait ran out */
		:: else ->
			if
			:: d_step { block_[j] == 0 || dead[block_[j]] -> block_[j] = me }
			:: d_step { kills > 0 -> kills--; dead[me] = true } goto died
			fi;
			repair(j);
			if
			:: ok == 0 -> all = false
			:: else
			fi;
			STEP( block_[j] = 0; )
		fi
	}
	if
	:: d_step { spares == me -> spares = (all -> 0 : SPARES) }
	:: d_step { spares != me -> skip }
	fi
}

/* Says that nothing is free: then no bucket at rest may have a spare entry. */
inline look_for_spares()
{
	d_step {
		some = spares;
		for (j : 0 .. B - 1) {
			assert(some != 0 || !spare[j] || block_[j] != 0)
		}
		j = 0
	}
}

inline publish(k, v)
{
	STEP( key[e] = k; )
	STEP( lo[2 * e] = v; )
	STEP( hi[2 * e] = v; )
	STEP( next[e] = head[b]; )
	STEP( act[e] = 0; seq[e]++; live[e] = (BUG == 2); )
	STEP( head[b] = e; )
	STEP( live[e] = true; seq[e]++; linearize(k, v); )
	STEP( pending[b] = 0; spare[b] = false; )
}

inline update(k, v)
{
	b = k % B;
	tries = 0;
again:	lock_bucket(b);
	settle(b);
	if
	:: ok == 0	/* -EBUSY */
	:: else ->
		find(b, k);
		if
		:: x < N ->
			c = 2 * x + 1 - act[x];
			STEP( lo[c] = v; )
			STEP( hi[c] = v; )
			STEP( act[x] = 1 - act[x]; seq[x]++; linearize(k, v); )
		:: x >= N && spare[b] ->
			e = pending[b] - 1;
			STEP( spare[b] = (BUG == 5); )
			publish(k, v)
		:: else ->
			lock_shard(ok);
			if
			:: ok == 0	/* -EBUSY */
			:: ok == 1 && top == 0 ->
				STEP( slock = 0; )
				look_for_spares();
				if
				:: some != 0 && tries == 0 ->
					tries = 1;
					STEP( block_[b] = 0; )
					collect();
					goto again
				:: else	/* -E2BIG */
				fi
			:: else ->
				e = stack[top - 1];
				STEP( pending[b] = e + 1; )
				STEP( home[e] = b + 1; )
				STEP( top = top - 1; )
				STEP( slock = 0; )
				publish(k, v)
			fi
		fi
	fi;
	STEP( block_[b] = 0; )
}

inline remove(k)
{
	b = k % B;
	lock_bucket(b);
	settle(b);
	find(b, k);
	if
	:: ok == 1 && x < N && spare[b] -> repair(b)
	:: else
	fi;
	if
	:: ok == 0
	:: else ->
		if
		:: x >= N	/* -ENOENT */
		:: else ->
			e = x;
			STEP( pending[b] = e + 1; )
			if
			:: p < N -> STEP( next[p] = next[e]; linearize(k, NONE); )
			:: else -> STEP( head[b] = next[e]; linearize(k, NONE); )
			fi;
			STEP( live[e] = false; seq[e]++; )
			if
			:: true ->	/* b keeps it */
				some = spares;
				if
				:: some != SPARES -> STEP( spares = SPARES; )
				:: else
				fi;
				STEP( spare[b] = true; )
			:: true ->
				lock_shard(ok);
				if
				:: ok == 0	/* stays pending; the delete is done all the same */
				:: else ->
					push(e, b);
					STEP( slock = 0; )
					STEP( pending[b] = 0; )
				fi
			fi
		fi
	fi;
	STEP( block_[b] = 0; )
}

proctype writer(byte me)
{
	byte b, x, p, e, c, i, j, k, ok, some, tries, n = 0;
	bool all;

	do
	:: n == OPS -> break
	:: else ->
		n++;
		select (k : 0 .. KEYS - 1);
		if
		:: update(k, 2 * me + n)	/* values differ: OPS <= 2 */
		:: remove(k)
		fi
	od;
died:	done++
}

proctype reader()
{
	byte b, x, k, s, a, kk, l, h, restarts, v, n = 0;

	do
	:: n == READS -> break
	:: else ->
		n++;
		select (k : 0 .. KEYS - 1);
		b = k % B;
		d_step { watch = k; may = 1 << spec[k]; restarts = 0 }
again:		x = head[b];
walk:		if
		:: x >= END ->
			if
			:: x == END + b -> v = NONE
			:: else ->
lost:				restarts++;
				if
				:: restarts < 4 -> goto again
				:: else -> goto next_read	/* the code takes the lock */
				fi
			fi
		:: else ->
			d_step { s = seq[x]; a = act[x]; kk = live[x] }
			if
			:: kk == 0 -> x = next[x]; goto walk
			:: else
			fi;
			kk = key[x];
			if
			:: kk != k -> x = next[x]; goto walk
			:: else
			fi;
			l = lo[2 * x + a];
			h = hi[2 * x + a];
			if
			:: seq[x] != s -> goto lost
			:: else
			fi;
			assert(l == h);		/* whole */
			v = l
		fi;
		/* the answer was right at some moment since the start */
		assert(may & (1 << v));
next_read:	watch = 255
	od;
	done++
}

init
{
	byte b, x, p, e, i, k, ok, me, c, n;

	d_step {
		head[0] = END; head[1] = END + 1;
		stack[0] = 0; stack[1] = 1; top = 2;
		me = WRITERS + 1
	}
	/* key 0 is there, in entry 1 */
	d_step {
		top = 1; home[1] = 1; key[1] = 0; live[1] = true; next[1] = END; head[0] = 1;
		lo[2] = 1; hi[2] = 1; spec[0] = 1
#ifdef SPARE
		top = 0; home[0] = 2; pending[1] = 1; spare[1] = true; spares = SPARES
#endif
	}
	atomic {
		for (i : 1 .. WRITERS) { run writer(i) }
		run reader()
	}
	done == WRITERS + 1;
	/* Everybody is finished or dead: what the next visitor of every bucket leaves. */
	kills = 0;
	for (n : 0 .. B - 1) {
		lock_bucket(n);
		assert(!spare[n] || spares != 0);
		repair(n);
		assert(ok == 1 && pending[n] == 0 && !spare[n]);
		block_[n] = 0
	}
	skip;
	d_step {
		c = 0;		/* H1: each entry once, in a chain or free */
		for (k : 0 .. KEYS - 1) {
			b = k % B;
			x = head[b];
			i = 0;
			do
			:: x >= END -> break
			:: else ->
				assert(home[x] == b + 1 && live[x] && key[x] % B == b);
				if
				:: key[x] == k ->
					i++; c++;
					assert(lo[2 * x + act[x]] == spec[k]);
					assert(hi[2 * x + act[x]] == spec[k])
				:: else
				fi;
				x = next[x]
			od;
			assert(x == END + b);
			assert(i == (spec[k] != NONE))		/* H3, and kept */
		};
		assert(c + top == N);
		for (i : 0 .. N - 1) {
			if
			:: i < top -> assert(home[stack[i]] == 0)
			:: else
			fi
		}
		assert(top < 2 || stack[0] != stack[1])
	}
	goto end;
died:	assert(false);
end:	skip
}
