/* SPDX-License-Identifier: MIT
 *
 * System calls whose number is known where they are made, and one whose is not. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void)
{
	long known = getpgid(0), unknown = syscall(SYS_getpgid, 0), made = getsid(0);

	printf("%ld %ld %d\n", known, unknown, made == getsid(0));
	errno = 0;
	known = fsync(1);
	printf("%ld %d\n", known, errno);
	errno = 0;
	unknown = syscall(SYS_umask, 022);
	printf("%ld %d\n", unknown, errno);
	return 0;
}
