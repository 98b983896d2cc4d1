/* SPDX-License-Identifier: MIT
 *
 * printk.c - bpf_trace_printk, bpf_trace_vprintk: a record in the ring buffer `.trace` of the map directory,
 * opened at the first message, read by `bpftime-ctl trace`. */
#include "arch/x86_64/sys.h"
#include "dir.h"
#include "files.h"
#include "format.h"
#include "init.h"
#include "maps.h"
#include "mem.h"
#include "rt.h"
#include "rt_helpers.h"

enum { TEXT_BYTES = 512, ARGS = 3, ARGS_MAX = 12, OPEN_TRIES = 1000, NOT_OPEN = 0, OPEN = -1 };

static const struct bpftime_map ring = {
	.version = OBJFMT_MAP_VERSION, .size = sizeof(ring), .type = MAP_TYPE_ringbuf,
	.max_entries = RT_TRACE_BYTES,
};
static void *base;
static int32_t state;	/* NOT_OPEN, OPEN, or the pid of the process that opens it */

static bool open_ring(void)
{
	int32_t me, was = rt_load_acquire(&state);
	int64_t dir;

	if (was == OPEN)
		return true;
	me = (int32_t)rt_sys0(SYS_getpid);
	for (uint32_t i = 0; was == me && i < OPEN_TRIES; i++) {
		rt_sys0(SYS_sched_yield);
		was = rt_load_acquire(&state);
	}
	/* Another process's number: a child made by fork() in the middle starts over. */
	if (was == OPEN || was == me || !rt_cas(&state, &was, me))
		return was == OPEN;
	dir = rt_dir_open();
	base = rt_map_attach(&(struct rt_wanted){ .m = &ring, .kind = bpftime_rt1_kind_ringbuf,
						  .name = RT_TRACE_FILE, .object = "",
						  .stamp = bpftime_rt1_payload.id }, dir);
	if (dir >= 0)
		rt_sys1(SYS_close, dir);
	rt_store_release(&state, base ? OPEN : NOT_OPEN);
	return base;
}

static uint64_t print(uint64_t fmt, uint64_t fmt_bytes, const uint64_t *arg, uint32_t n_arg)
{
	_Alignas(8) char record[sizeof(struct rt_trace_record) + TEXT_BYTES];
	struct rt_trace_record *r = (struct rt_trace_record *)record;
	uint64_t id = rt_pid_tgid();
	int64_t n = rt_format(r->text, TEXT_BYTES, (const char *)fmt, fmt_bytes, arg, n_arg);

	if (n < 0 || !open_ring())
		return (uint64_t)n;
	r->ts = rt_ktime_get_ns();
	r->pid = (uint32_t)(id >> 32);
	r->tid = (uint32_t)id;
	r->cpu = (uint32_t)bpftime_h_get_smp_processor_id();
	r->bytes = (uint32_t)(n < TEXT_BYTES ? n : TEXT_BYTES - 1);
	rt_comm((uint64_t)r->comm, sizeof(r->comm));
	bpftime_h_ringbuf_output(&ring, base, r, sizeof(*r) + r->bytes, 0);
	return (uint64_t)n;
}

uint64_t rt_trace_printk(uint64_t fmt, uint64_t fmt_bytes, uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t arg[ARGS] = { a, b, c };

	return print(fmt, fmt_bytes, arg, ARGS);
}

uint64_t rt_trace_vprintk(uint64_t fmt, uint64_t fmt_bytes, uint64_t data, uint64_t data_bytes)
{
	if (data_bytes % 8 || data_bytes > ARGS_MAX * 8 || (data_bytes && !data))
		return (uint64_t)-RT_EINVAL;
	return print(fmt, fmt_bytes, (const uint64_t *)data, (uint32_t)(data_bytes / 8));
}
