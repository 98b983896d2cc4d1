/* SPDX-License-Identifier: MIT
 *
 * cpu.c - see cpu.h. */
#include "cpu.h"

#include "arch/x86_64/sys.h"
#include "proc.h"
#include "text.h"

enum { MAX_CPUS = 4096 };

uint32_t bpftime_rt1_cpus;

/* "0-3,8-11" -> 12 */
uint32_t rt_cpu_possible(void)
{
	char buf[256];
	int64_t n = rt_read_file("/sys/devices/system/cpu/possible", buf, sizeof(buf) - 1);
	uint64_t last = 0;
	uint8_t mask[MAX_CPUS / 8];

	if (n > 0) {
		const char *p = buf;

		buf[n] = 0;
		while (*p >= '0' && *p <= '9') {
			uint64_t v = rt_get_number(p, &p);

			if (v > last)
				last = v;
			if (*p == '-' || *p == ',')
				p++;
		}
		return last < MAX_CPUS ? (uint32_t)last + 1 : MAX_CPUS;
	}
	n = rt_sys3(SYS_sched_getaffinity, 0, sizeof(mask), mask);
	for (int64_t i = 0; i < n * 8; i++)
		if (mask[i / 8] & 1 << i % 8)
			last = (uint64_t)i;
	return (uint32_t)last + 1;
}

uint32_t rt_cpu_setup(void)
{
	uint32_t n = rt_load(&bpftime_rt1_cpus);

	if (!n) {
		n = rt_cpu_possible();
		rt_store_release(&bpftime_rt1_cpus, n);
	}
	return n;
}
