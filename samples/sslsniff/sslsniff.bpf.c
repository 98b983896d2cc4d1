/* SPDX-License-Identifier: MIT
 *
 * sslsniff - the plaintext that goes through SSL_read and SSL_write, and how long the
 * calls take.
 *
 *     events    ring buffer of struct event, one for each call that moved data
 *     latency   log2 histogram of nanoseconds, every call
 *     lost      events that found the ring full
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "log2.h"

/* At most DATA_BYTES of a call's data are kept.  A record has room for that, or for less when
 * there is less: the size of a record must be a constant, so there are three. */
enum { DATA_BYTES = 4096, MEDIUM_BYTES = 1024, SMALL_BYTES = 256 };

struct event {
	__u64 ts;		/* ns since boot, when the call began */
	__u32 pid, tid;
	__u32 len;		/* bytes the call moved; data holds the first DATA_BYTES of them */
	__u32 is_write;
	char  comm[16];
	char  data[DATA_BYTES + 1];	/* ends with a NUL; the record may end before the array */
};

/* Makes clang write struct event into the object's BTF, for `bpftime-ctl events --type`. */
struct event *event_type __attribute__((unused));

/* A call between its entry and its return. */
struct inflight {
	__u64 ts;
	__u64 buf;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);	/* tid */
	__type(value, struct inflight);
} inflight SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 22);	/* bytes */
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, HIST_SLOTS);
	__type(key, __u32);
	__type(value, __u64);
} latency SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} lost SEC(".maps");

static __always_inline int enter(const void *buf)
{
	__u32 tid = (__u32)bpf_get_current_pid_tgid();
	struct inflight call = { bpf_ktime_get_ns(), (__u64)buf };

	bpf_map_update_elem(&inflight, &tid, &call, BPF_ANY);
	return 0;
}

static __always_inline void count_lost(void)
{
	__u32 zero = 0;
	__u64 *n = bpf_map_lookup_elem(&lost, &zero);

	if (n)
		__sync_fetch_and_add(n, 1);
}

/* One call's event with room for `room` bytes, a constant. */
static __always_inline void report_in(__u32 room, const struct inflight *call, __u64 pid_tgid,
				      __u32 len, __u32 is_write)
{
	struct event *e = bpf_ringbuf_reserve(
		&events, __builtin_offsetof(struct event, data) + room + 1, 0);
	__u32 n = len;

	barrier_var(n);	/* clang knows that n fits and would not compare: the verifier does not */
	if (n > room)
		n = room;
	if (!e) {
		count_lost();
		return;
	}
	e->ts = call->ts;
	e->pid = pid_tgid >> 32;
	e->tid = (__u32)pid_tgid;
	e->len = len;
	e->is_write = is_write;
	bpf_get_current_comm(e->comm, sizeof(e->comm));
	bpf_probe_read_user(e->data, n, (const void *)call->buf);
	e->data[n] = 0;
	bpf_ringbuf_submit(e, 0);
}

static __always_inline void report(const struct inflight *call, __u64 pid_tgid, __u32 len,
				   __u32 is_write)
{
	if (len <= SMALL_BYTES)
		report_in(SMALL_BYTES, call, pid_tgid, len, is_write);
	else if (len <= MEDIUM_BYTES)
		report_in(MEDIUM_BYTES, call, pid_tgid, len, is_write);
	else
		report_in(DATA_BYTES, call, pid_tgid, len, is_write);
}

static __always_inline int leave(int ret, __u32 is_write)
{
	__u64 now = bpf_ktime_get_ns(), pid_tgid = bpf_get_current_pid_tgid();
	__u32 tid = (__u32)pid_tgid;
	struct inflight *found = bpf_map_lookup_elem(&inflight, &tid), call;

	if (!found)
		return 0;	/* the call began before we were there */
	call = *found;
	bpf_map_delete_elem(&inflight, &tid);
	log2_count(&latency, now - call.ts);
	if (ret > 0)		/* else nothing was moved: an error, or try again */
		report(&call, pid_tgid, (__u32)ret, is_write);
	return 0;
}

SEC("uprobe/libssl.so.3:SSL_read")
int BPF_KPROBE(ssl_read_enter, void *ssl, const void *buf)
{
	return enter(buf);
}

SEC("uretprobe/libssl.so.3:SSL_read")
int BPF_KRETPROBE(ssl_read_return, int ret)
{
	return leave(ret, 0);
}

SEC("uprobe/libssl.so.3:SSL_write")
int BPF_KPROBE(ssl_write_enter, void *ssl, const void *buf)
{
	return enter(buf);
}

SEC("uretprobe/libssl.so.3:SSL_write")
int BPF_KRETPROBE(ssl_write_return, int ret)
{
	return leave(ret, 1);
}

char LICENSE[] SEC("license") = "GPL";
