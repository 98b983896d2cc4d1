/* SPDX-License-Identifier: MIT
 *
 * modules.c - see modules.h.
 *
 * The table is shared by all threads of the process, without a lock that anybody waits for: an entry's `seq` is
 * odd while it is written, and who finds the table being written to goes without remembering.  The memory
 * is the process's own, so a process that is killed, or a child that was forked in the middle of
 * a write, harms nobody: the latter remembers no more. */
#include "modules.h"

#include "arch/x86_64/sys.h"
#include "elf64.h"
#include "loader.h"
#include "proc.h"
#include "read.h"

enum {
	MODULES = 64, PHDRS = 32,
	LOAD_SEGMENT = 1, DYNAMIC_SEGMENT = 2, NOTE_SEGMENT = 4, EH_FRAME_SEGMENT = 0x6474e550,	/* PT_* */
	BUILD_ID_NOTE = 3, NOTE_SEGMENTS = 3, NOTES = 16, NOTES_BYTES = 4096,	/* NT_GNU_BUILD_ID */
	AUX_PHDR = 3, AUX_VDSO = 33,	/* AT_PHDR, AT_SYSINFO_EHDR */
	QUIET_MS = 100,
};

static const char vdso_name[] = "[vdso]";

struct entry {
	uint32_t seq;
	uint32_t noted;		/* written down for tools */
	struct rt_module m;
};
static struct entry table[MODULES];
static uint32_t n_table, writing, last_serial;
static uint64_t quiet_until_ms;

/* Among the notes of one segment. */
static void find_build_id(uint64_t at, uint64_t bytes, struct rt_module *m)
{
	struct {
		uint32_t name_bytes, bytes, type;
		char name[4];
	} n;
	uint64_t end = at + (bytes < NOTES_BYTES ? bytes : NOTES_BYTES);

	for (uint32_t i = 0; i < NOTES && at < end && !m->build_id && rt_read_all(&n, at, sizeof(n)); i++) {
		at += 12 + rt_round_up(n.name_bytes, 4);
		if (n.type == BUILD_ID_NOTE && n.name_bytes == 4 && n.name[0] == 'G' && n.name[1] == 'N') {
			m->build_id = at;
			m->build_id_bytes = n.bytes;
		}
		at += rt_round_up(n.bytes, 4);
	}
}

/* What is mapped with its ELF header at `at`.  *dynamic: address of its PT_DYNAMIC, or 0. */
static bool read_headers(uint64_t at, struct rt_module *m, uint64_t *dynamic)
{
	uint64_t lo = UINT64_MAX, hi = 0, eh = 0;
	struct rt_phdr p, note[NOTE_SEGMENTS];
	uint32_t n_note = 0;
	struct rt_ehdr e;

	*m = (struct rt_module){ .headers = at };
	*dynamic = 0;
	if (!rt_read_all(&e, at, sizeof(e)) || __builtin_bswap32(*(uint32_t *)e.ident) != 0x7f454c46 ||
	    e.phentsize != sizeof(p))
		return false;
	for (uint32_t i = 0; i < e.phnum && i < PHDRS; i++) {
		if (!rt_read_all(&p, at + e.phoff + i * sizeof(p), sizeof(p)))
			return false;
		if (p.type == LOAD_SEGMENT) {
			if (lo == UINT64_MAX) {
				lo = p.vaddr;
				m->bias = at + p.offset - p.vaddr;
			}
			hi = p.vaddr + p.memsz > hi ? p.vaddr + p.memsz : hi;
		}
		if (p.type == NOTE_SEGMENT && n_note < NOTE_SEGMENTS)
			note[n_note++] = p;
		eh = p.type == EH_FRAME_SEGMENT ? p.vaddr : eh;
		*dynamic = p.type == DYNAMIC_SEGMENT ? p.vaddr : *dynamic;
	}
	if (lo >= hi)
		return false;
	m->start = m->bias + lo;
	m->end = m->bias + hi;
	m->eh_frame_hdr = eh ? m->bias + eh : 0;
	*dynamic = *dynamic ? m->bias + *dynamic : 0;
	for (uint32_t i = 0; i < n_note; i++)
		find_build_id(m->bias + note[i].vaddr, note[i].filesz, m);
	m->check_at = m->build_id && m->build_id_bytes >= sizeof(m->check) ? m->build_id : eh ? m->eh_frame_hdr : at;
	return rt_read_all(m->check, m->check_at, sizeof(m->check));
}

bool rt_module_segment(const struct rt_module *m, uint64_t pc, struct rt_segment *out)
{
	struct rt_phdr p;
	struct rt_ehdr e;

	if (!rt_read_all(&e, m->headers, sizeof(e)) || e.phentsize != sizeof(p))
		return false;
	for (uint32_t i = 0; i < e.phnum && i < PHDRS; i++) {
		if (!rt_read_all(&p, m->headers + e.phoff + i * sizeof(p), sizeof(p)))
			return false;
		out->start = m->bias + p.vaddr;
		out->end = out->start + p.filesz;
		out->to_file = p.offset - out->start;
		if (p.type == LOAD_SEGMENT && pc - out->start < p.filesz)
			return true;
	}
	return false;
}

bool rt_module_is_file(const struct rt_module *m)
{
	return m->name != (uint64_t)vdso_name;
}

static bool still_there(const struct rt_module *m)
{
	uint64_t now[2];

	return rt_read_all(now, m->check_at, sizeof(now)) && now[0] == m->check[0] && now[1] == m->check[1];
}

/* ---- the table ---- */

static bool copy(const struct entry *e, struct rt_module *out)
{
	uint32_t seq = rt_load_acquire(&e->seq);

	*out = *(const volatile struct rt_module *)&e->m;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return !(seq & 1) && rt_load(&e->seq) == seq && out->serial;
}

static void put(struct entry *e, const struct rt_module *m)
{
	uint32_t seq = rt_load(&e->seq);

	rt_store(&e->seq, seq | 1);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	*(volatile struct rt_module *)&e->m = *m;
	rt_store(&e->noted, 0);
	rt_store_release(&e->seq, (seq | 1) + 1);
}

static bool enter(void)
{
	uint32_t free = 0;

	return rt_cas(&writing, &free, 1);
}

static void leave(void) { rt_store_release(&writing, 0); }

/* In the place of what is at the same address, or of the one that came in first. */
static void remember(struct rt_module *m)
{
	static uint32_t hand;
	struct rt_module old;
	uint32_t i = 0;

	m->serial = rt_add(&last_serial, 1) + 1;
	m->serial += !m->serial;
	if (!enter())
		return;
	while (i < n_table && !(copy(&table[i], &old) && old.start < m->end && m->start < old.end))
		i++;
	if (i == n_table && n_table < MODULES)
		rt_store_release(&n_table, n_table + 1);
	else if (i == n_table)
		i = hand++ % MODULES;
	put(&table[i], m);
	leave();
}

static void forget(uint32_t serial)
{
	static const struct rt_module none;
	struct rt_module m;

	if (!enter())
		return;
	for (uint32_t i = 0; i < n_table; i++)
		if (copy(&table[i], &m) && m.serial == serial)
			put(&table[i], &none);
	leave();
}

static struct entry *known(uint64_t pc, struct rt_module *out)
{
	uint32_t n = rt_load_acquire(&n_table);

	for (uint32_t i = 0; i < n; i++)
		if (copy(&table[i], out) && pc - out->start < out->end - out->start)
			return &table[i];
	return NULL;
}

/* ---- looking around ---- */

/* Is it the wanted one?  Others are remembered as well. */
static bool see(uint64_t at, uint64_t name, uint64_t pc, uint64_t *dynamic, struct rt_module *out)
{
	struct rt_module m;

	if (!at || !read_headers(at, &m, dynamic))
		return false;
	m.name = name;
	remember(&m);
	if (pc - m.start >= m.end - m.start)
		return false;
	*out = m;
	return true;
}

static __attribute__((noinline)) void started_with(uint64_t *program, uint64_t *vdso)
{
	uint64_t aux[RT_AUXV_WORDS], n = rt_auxv(aux);

	*program = *vdso = 0;
	for (uint64_t i = 0; i + 1 < n && aux[i]; i += 2) {
		if (aux[i] == AUX_PHDR)	/* behind the ELF header, on its page */
			*program = aux[i + 1] & ~(uint64_t)(RT_PAGE_BYTES - 1);
		else if (aux[i] == AUX_VDSO)
			*vdso = aux[i + 1];
	}
}

/* May it be looked for?  What is nowhere (code made at run time) is not, all the time. */
static bool may_look(void)
{
	struct rt_timespec t = { 0 };
	uint64_t now;

	rt_sys2(SYS_clock_gettime, CLOCK_MONOTONIC_COARSE, &t);
	now = (uint64_t)t.s * 1000 + (uint64_t)t.ns / 1000000;
	if (now < rt_load(&quiet_until_ms))
		return false;
	rt_store(&quiet_until_ms, now + QUIET_MS);
	return true;
}

/* The path in a link: the program's own has none, or an empty one. */
static uint64_t name_in(const struct rt_link *l)
{
	char c;

	return l->name && rt_read_all(&c, l->name, 1) && c ? l->name : 0;
}

static bool look_for(uint64_t pc, struct rt_module *out)
{
	uint64_t program, vdso, dynamic = 0, unused;
	struct rt_module old;
	struct rt_link l;
	bool found;

	if (!may_look())
		return false;
	started_with(&program, &vdso);
	found = see(program, 0, pc, &dynamic, out) || see(vdso, (uint64_t)vdso_name, pc, &unused, out);
	l.next = found || !dynamic ? 0 : rt_first_link(dynamic);
	for (uint32_t i = 0; l.next && i < RT_LINKS && !found; i++) {
		if (!rt_read_all(&l, l.next, sizeof(l)))
			return false;
		/* The program's own has the bias 0, or is known by now. */
		l.name = name_in(&l);
		if (l.bias && l.bias != vdso &&
		    !(known(l.bias, &old) && old.bias == l.bias && old.name == l.name))
			found = see(l.bias, l.name, pc, &unused, out);
	}
	if (found)
		rt_store(&quiet_until_ms, 0);
	return found;
}

bool rt_module_at(uint64_t pc, uint32_t sure, struct rt_module *out)
{
	struct entry *e = known(pc, out);
	struct rt_module again;

	if (e && out->serial != sure && !still_there(out)) {
		forget(out->serial);
		e = NULL;
	}
	if (!e) {
		if (!look_for(pc, out))
			return false;
		e = known(pc, &again);
	}
	if (e && !rt_load(&e->noted) && rt_module_note(out))
		rt_store(&e->noted, 1);
	return true;
}
