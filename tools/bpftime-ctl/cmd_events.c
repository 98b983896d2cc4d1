/* SPDX-License-Identifier: MIT
 *
 * events, trace: the records of a ring buffer, one a line. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "btfval.h"
#include "cmd.h"
#include "reader.h"
#include "ring.h"
#include "rt.h"
#include "rt_maps.h"
#include "text.h"

/* A ring does not say what its records are: --type does. */
static int find_type(const struct mapfile *m, const char *name, uint32_t *id, struct diags *dg)
{
	static const struct {
		const char *prefix;
		uint32_t kind;
	} kinds[] = {
		{ "struct ", BTF_KIND_STRUCT }, { "union ", BTF_KIND_UNION },
		{ "", BTF_KIND_TYPEDEF }, { "", BTF_KIND_STRUCT }, { "", BTF_KIND_INT },
	};
	int r = -1;

	*id = 0;
	if (!name)
		return 0;
	if (!m->btf)
		return diag(dg, DIAG_M011, at_file(m->ref.label), "%s: the object has no BTF", name);
	for (size_t i = 0; r <= 0 && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t n = strlen(kinds[i].prefix);

		if (!strncmp(name, kinds[i].prefix, n))
			r = btf__find_by_name_kind(m->btf, name + n, kinds[i].kind);
	}
	if (r <= 0)
		return diag(dg, DIAG_M011, at_file(m->ref.label),
			    "%s is not in the object's BTF; clang writes a type there when a map, "
			    "a global variable or a function argument has it", name);
	*id = (uint32_t)r;
	return 0;
}

static void print_bytes(const uint8_t *p, uint32_t n)
{
	printf("%" PRIu32 " byte%s:", n, n == 1 ? "" : "s");
	for (uint32_t i = 0; i < n; i++)
		printf(" %02x", p[i]);
	fputs(" |", stdout);
	for (uint32_t i = 0; i < n; i++)
		putchar(isprint(p[i]) ? p[i] : '.');
	puts("|");
}

/* What is to be done with each record. */
struct reader {
	const struct mapfile *m;
	struct json *j;		/* NULL: text */
	uint32_t type;		/* of the records, 0: not known */
	unsigned long count;	/* 0: no limit */
	bool wait;
	void (*print)(const struct reader *rd, const struct ring_record *rec);
};

static void print_event(const struct reader *rd, const struct ring_record *rec)
{
	struct json *j = rd->j;

	if (j) {
		json_open(j, NULL, '{');
		json_u64(j, "len", rec->len);
		json_hexbytes(j, "data", rec->data, rec->len);
		if (rd->type)
			btfval_json(j, "formatted", rd->m->btf, rd->type, rec->data, rec->len,
				    BTFVAL_TEXT);
		json_close(j, '}');
	} else if (rd->type) {
		btfval_text(stdout, rd->m->btf, rd->type, rec->data, rec->len);
		putchar('\n');
	} else {
		print_bytes(rec->data, rec->len);
	}
}

/* As the kernel's trace_pipe has it. */
static void print_message(const struct reader *rd, const struct ring_record *rec)
{
	struct bytes b = { rec->data, rec->len };
	char comm[sizeof(((struct rt_trace_record *)0)->comm) + 1] = "", *text;
	struct rt_trace_record head;
	size_t n;

	if (!bytes_get(b, 0, &head, sizeof(head)))
		return;
	memcpy(comm, head.comm, sizeof(head.comm));
	n = b.n - sizeof(head) < head.bytes ? b.n - sizeof(head) : head.bytes;
	text = strndup((const char *)b.p + sizeof(head), n);
	if (!text)
		return;
	n = strlen(text);
	if (n && text[n - 1] == '\n')
		text[n - 1] = 0;
	if (rd->j) {
		json_open(rd->j, NULL, '{');
		json_u64(rd->j, "ts", head.ts);
		json_u64(rd->j, "pid", head.pid);
		json_u64(rd->j, "tid", head.tid);
		json_u64(rd->j, "cpu", head.cpu);
		json_str(rd->j, "comm", comm);
		json_str(rd->j, "text", text);
		json_close(rd->j, '}');
	} else {
		printf("%*s", (int)(16 - strlen(comm)), "");
		text_put_clean(stdout, comm);
		printf("-%-7" PRIu32 " [%03" PRIu32 "] %5" PRIu64 ".%06" PRIu64 ": bpf_trace_printk: ",
		       head.tid, head.cpu, head.ts / 1000000000, head.ts / 1000 % 1000000);
		text_put_clean(stdout, text);
		putchar('\n');
	}
	free(text);
}

static int follow(const struct reader *rd, struct diags *dg)
{
	const struct mapfile *m = rd->m;
	struct ring_record rec;
	unsigned long n = 0;
	int r = ring_open(m, dg);

	while (r >= 0 && (!rd->count || n < rd->count)) {
		r = ring_next(m, &rec, dg);
		if (r > 0) {
			rd->print(rd, &rec);
			if (fflush(stdout))	/* what could not be printed stays in the ring */
				return diag(dg, DIAG_E002, at_file("<stdout>"), "%s",
					    strerror(errno));
			ring_done(m);
			n++;
		} else if (!r && !rd->wait) {
			break;
		} else if (!r) {
			r = ring_wait(m, dg);
		}
	}
	if (r >= 0 && rt_ringbuf_drops(m->base))
		diag_warn(dg, at_file(m->ref.label), "%" PRIu64 " records have found no room",
			  rt_ringbuf_drops(m->base));
	return r < 0 ? r : 0;
}

int cmd_events(const struct opts *o, struct diags *dg)
{
	struct json j = json_on(stdout);
	struct reader rd = { .wait = !opts_has(o, "no-wait"), .print = print_event };
	struct mapfile m;
	struct session s;
	int r = opts_count(o, "count", &rd.count, dg);

	if (r >= 0)
		r = session_begin_map(&s, o, "events", 1, 1, &m, dg);
	if (r < 0)
		return r;
	rd.m = &m;
	rd.j = s.json ? &j : NULL;
	r = find_type(&m, opts_get(o, "type"), &rd.type, dg);
	if (r >= 0)
		r = follow(&rd, dg);
	session_end_map(&s, &m);
	return r;
}

/* The first message makes the file: until then there is nothing to wait on.
 * Returns 1 when it is open, 0 when there is none and `wait` is false. */
static int open_trace(struct session *s, const struct opts *o, struct mapfile *m, bool wait,
		      struct diags *dg)
{
	const struct mapref ref = { NULL, "", RT_TRACE_FILE, RT_TRACE_FILE };
	const struct timespec pause = { 0, 100000000 };
	int r = 0;

	for (;;) {
		if (s->dir.fd >= 0 && !faccessat(s->dir.fd, RT_TRACE_FILE, F_OK, AT_SYMLINK_NOFOLLOW)) {
			r = mapfile_open_ref(&s->dir, s->a, &ref, m, dg);
			return r < 0 ? r : 1;
		}
		if (!wait)
			return 0;
		nanosleep(&pause, NULL);
		if (s->dir.fd < 0)
			r = mapdir_open(&s->dir, opts_get(o, "dir"), dg);
		if (r < 0)
			return r;
	}
}

int cmd_trace(const struct opts *o, struct diags *dg)
{
	struct json j = json_on(stdout);
	struct reader rd = { .wait = !opts_has(o, "no-wait"), .print = print_message };
	struct mapfile m = { .fd = -1 };
	struct session s;
	int r = opts_count(o, "count", &rd.count, dg);

	if (r >= 0)
		r = session_begin(&s, o, "trace", 0, 0, dg);
	if (r < 0)
		return r;
	r = open_trace(&s, o, &m, rd.wait, dg);
	rd.m = &m;
	rd.j = s.json ? &j : NULL;
	if (r > 0)
		r = follow(&rd, dg);
	session_end_map(&s, &m);
	return r;
}
