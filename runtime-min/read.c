/* SPDX-License-Identifier: MIT
 *
 * read.c - bpf_probe_read_user, bpf_probe_read_user_str, bpf_probe_write_user (read.h). */
#include "read.h"

#include "arch/x86_64/sys.h"
#include "fault.h"
#include "loader.h"
#include "mem.h"
#include "proc.h"

enum {
	PIPE_CHUNK = 4096,	/* PIPE_BUF: one write is all or an error */
	STR_CHUNK = 256,
	ALONE_BYTES = 4 * RT_PAGE_BYTES,	/* more is copied by the kernel in any case */
	READS_ASK = 256,	/* until all is found out again */
};

/* May the kernel read the word at that address?  -EINVAL: yes, the operation is none; -EFAULT: no.  Anything
 * else: a filter has answered.  (A null pointer would be no word at all.) */
static __attribute__((noinline)) int64_t touch(uint64_t word)
{
	return rt_sys4(SYS_rt_sigprocmask, ~0u, word ? word : 8, 0, SIGSET_BYTES);
}

/* Do these system calls do here what Linux does, or does somebody imitate them? */
static bool answers_well(void)
{
	uint64_t word = 0;

	return touch((uint64_t)&word) == -RT_EINVAL && touch(8) == -RT_EFAULT &&
	       rt_sys1(SYS_unshare, CLONE_VM | 1) == -RT_EINVAL;
}

/* Changes nothing: it refuses where there is something to change. */
static bool kernel_says_alone(void)
{
	return !rt_sys1(SYS_unshare, CLONE_VM);
}

static uint32_t reads_left;		/* of READS_ASK */
static bool alone;
static struct rt_libc libc;

static __attribute__((noinline)) void find_out(void)
{
	static bool looked;
	bool now = answers_well() && kernel_says_alone();
	struct rt_libc found;

	rt_store(&alone, now);
	rt_store(&reads_left, READS_ASK);
	if (now && !looked) {
		looked = true;
		found = rt_libc_find();	/* reads, too, and asks the kernel */
		libc.version = found.version;
		rt_store_release(&libc.single, found.single);
	}
}

/* Is this thread the only one that uses this memory?  Then what is there stays there.  The C library's word for it
 * does, as it does for malloc(), while there is one such library; of threads that none has made the kernel tells in time. */
static bool is_alone(void)
{
	const uint8_t *single;
	uint32_t n;

	if (!rt_load(&reads_left))
		find_out();
	n = rt_load(&reads_left);
	rt_store(&reads_left, n - !!n);
	if (!rt_load(&alone))
		return false;
	single = rt_load_acquire(&libc.single);
	if ((single && rt_load(single) && rt_load(libc.version) == 1) || kernel_says_alone())
		return true;
	rt_store(&alone, false);
	rt_store(&reads_left, READS_ASK);
	return false;
}

/* Loads, each page after the kernel has read from it: of two pages at once a word that is on both.  Returns how
 * many bytes there were, UINT64_MAX: not to be had in this way. */
static uint64_t read_alone(void *to, uint64_t from, uint64_t bytes)
{
	uint64_t done = 0, n;

	if (bytes > ALONE_BYTES || !is_alone())
		return UINT64_MAX;
	for (; done < bytes; done += n) {
		uint64_t at = from + done, left = bytes - done;

		n = RT_PAGE_BYTES - at % RT_PAGE_BYTES;
		if (left > n && touch(at + n - 4) == -RT_EINVAL) {
			n += RT_PAGE_BYTES;
		} else {
			int64_t r = touch(at & ~7ull);

			if (r == -RT_EFAULT)
				break;
			if (r != -RT_EINVAL)
				return UINT64_MAX;
		}
		n = n < left ? n : left;
		rt_copy_faultable((char *)to + done, at, n);
	}
	return done;
}

/* Where process_vm_readv is forbidden (seccomp) a pipe moves the bytes: the kernel reads
 * our memory just the same, with the same answer for what is not there. */
static uint64_t read_by_pipe(void *to, uint64_t from, uint64_t bytes)
{
	int32_t fd[2];
	uint64_t done = 0;

	if (rt_sys2(SYS_pipe2, fd, O_CLOEXEC))
		return 0;
	while (done < bytes) {
		uint64_t in_page = RT_PAGE_BYTES - (from + done) % RT_PAGE_BYTES, n = bytes - done;
		int64_t got;

		n = n < in_page ? n : in_page;	/* a page at most: all or an error (PIPE_BUF) */
		got = rt_sys3(SYS_write, fd[1], from + done, n);
		if (got <= 0)
			break;
		got = rt_sys3(SYS_read, fd[0], (char *)to + done, got);
		if (got <= 0)
			break;
		done += (uint64_t)got;
	}
	rt_sys1(SYS_close, fd[0]);
	rt_sys1(SYS_close, fd[1]);
	return done;
}

static uint64_t read_strict(void *to, uint64_t from, uint64_t bytes)
{
	uint64_t copied = read_alone(to, from, bytes);
	int64_t n;

	if (copied != UINT64_MAX)
		return copied;
	n = rt_read_self(to, from, bytes);
	if (rt_likely(n > 0 || n == -RT_EFAULT))
		return n < 0 ? 0 : (uint64_t)n;
	return read_by_pipe(to, from, bytes);	/* a filter may answer with any error, and with none */
}

/* Is all of it on the page where `known` is, which is mapped? */
static bool on_page_of(const void *known, uint64_t from, uint64_t bytes)
{
	uint64_t off = from - ((uint64_t)known & ~(uint64_t)(RT_PAGE_BYTES - 1));

	return off < RT_PAGE_BYTES && bytes <= RT_PAGE_BYTES - off;
}

/* A context and what lies near it are mostly on the page that we stand on. */
uint64_t rt_read_some(void *to, uint64_t from, uint64_t bytes)
{
	if (!bytes)
		return 0;
	if (on_page_of(__builtin_frame_address(0), from, bytes) || on_page_of(to, from, bytes)) {
		rt_copy_words(to, (const void *)from, bytes);
		return bytes;
	}
	if (rt_load_acquire(&bpftime_rt1_guarded))
		return bytes - rt_copy_faultable(to, from, bytes);
	return read_strict(to, from, bytes);
}

/* Kernel: bpf_probe_read_user_common(): all or nothing, and nothing is zeros. */
uint64_t rt_read_user(uint64_t to, uint64_t bytes, uint64_t from)
{
	if (rt_read_all((void *)to, from, bytes))
		return 0;
	rt_zero((void *)to, bytes);
	return (uint64_t)-RT_EFAULT;
}

/* Kernel: copy_from_user(). */
uint64_t rt_copy_user(uint64_t to, uint64_t bytes, uint64_t from)
{
	uint64_t n = rt_read_some((void *)to, from, bytes);

	rt_zero((char *)to + n, bytes - n);
	return n == bytes ? 0 : (uint64_t)-RT_EFAULT;
}

/* Kernel: bpf_probe_read_user_str_common().  Nothing is written behind the NUL: programs
 * use the buffer as a map key. */
uint64_t rt_read_user_str(uint64_t to, uint64_t bytes, uint64_t from)
{
	char chunk[STR_CHUNK], *out = (char *)to;
	uint64_t done = 0;

	while (done < bytes) {
		uint64_t want = bytes - done < STR_CHUNK ? bytes - done : STR_CHUNK, got, i;

		got = rt_read_some(chunk, from + done, want);
		for (i = 0; i < got; i++) {
			out[done++] = chunk[i];
			if (!chunk[i])
				return done;
		}
		if (got < want) {
			rt_zero(out, bytes);
			return (uint64_t)-RT_EFAULT;
		}
	}
	if (bytes)
		out[bytes - 1] = 0;
	return bytes;
}

/* As read_by_pipe(), the other way. */
static bool write_by_pipe(uint64_t to, uint64_t from, uint64_t bytes)
{
	int32_t fd[2];
	uint64_t done = 0;

	if (rt_sys2(SYS_pipe2, fd, O_CLOEXEC))
		return false;
	while (done < bytes) {
		uint64_t n = bytes - done < PIPE_CHUNK ? bytes - done : PIPE_CHUNK;

		if (rt_sys3(SYS_write, fd[1], from + done, n) != (int64_t)n ||
		    rt_sys3(SYS_read, fd[0], to + done, n) != (int64_t)n)
			break;
		done += n;
	}
	rt_sys1(SYS_close, fd[0]);
	rt_sys1(SYS_close, fd[1]);
	return done == bytes;
}

/* Kernel: bpf_probe_write_user(): memory that the process itself may write to. */
uint64_t rt_write_user(uint64_t to, uint64_t bytes, uint64_t from)
{
	struct rt_iovec local = { from, bytes }, remote = { to, bytes };
	int64_t n;

	if (!bytes)
		return 0;
	n = rt_sys6(SYS_process_vm_writev, (uint64_t)rt_sys0(SYS_getpid), (uint64_t)&local, 1,
		    (uint64_t)&remote, 1, 0);
	if (n <= 0 && n != -RT_EFAULT)	/* as in read_strict() */
		return write_by_pipe(to, from, bytes) ? 0 : (uint64_t)-RT_EFAULT;
	return n == (int64_t)bytes ? 0 : (uint64_t)-RT_EFAULT;
}
