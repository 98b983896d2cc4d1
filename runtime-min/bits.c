/* SPDX-License-Identifier: MIT
 *
 * bits.c - where bpf_iter_bits_new() keeps the words that it was given (helpers/iter.c).
 *
 * A page from the kernel: stacks of signal handlers and coroutines are too small for 511
 * words, and a pool would have to find out which of its places a thread left that never came
 * back.  The verifier sees to it that every path gives the page back. */
#include "arch/x86_64/sys.h"
#include "read.h"

uint64_t rt_bits_copy(uint64_t from, uint64_t words)
{
	int64_t page;

	if (from < RT_PAGE_BYTES)	/* as the kernel's nofault copies have it */
		return (uint64_t)-RT_ERANGE;
	page = rt_mmap(0, RT_PAGE_BYTES, PROT_READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page < 0)
		return (uint64_t)-RT_ENOMEM;
	if (rt_read_all((void *)page, from, words * sizeof(uint64_t)))
		return (uint64_t)page;
	rt_bits_end((uint64_t)page);
	return (uint64_t)-RT_EFAULT;
}

uint64_t rt_bits_end(uint64_t page)
{
	rt_sys2(SYS_munmap, page, RT_PAGE_BYTES);
	return 0;
}
