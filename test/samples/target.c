/* SPDX-License-Identifier: MIT
 *
 * sample_target CALLS: calls target_work CALLS times, each of which calls itself twice, the
 * last one sleeping 3 ms; and malloc CALLS times, of 1, 2, .. CALLS bytes.  Nothing else in it
 * calls malloc, nor does the C library on its behalf.  Prints its process id. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int target_work(int depth, int sleepy);

__attribute__((noinline)) int target_work(int depth, int sleepy)
{
	struct timespec t = { 0, 3000000 };

	if (!depth) {
		if (sleepy)
			nanosleep(&t, NULL);
		return 1;
	}
	return 1 + target_work(depth - 1, sleepy);
}

static void print_pid(void)
{
	char text[16], *p = text + sizeof(text);
	int pid = getpid();

	*--p = '\n';
	for (; pid; pid /= 10)
		*--p = (char)('0' + pid % 10);
	if (write(1, p, (size_t)(text + sizeof(text) - p)) < 0)
		_exit(3);
}

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 0, sum = 0;

	for (int i = 0; i < n; i++) {
		char *p = malloc((size_t)i + 1);

		if (!p)
			return 3;
		memset(p, i, (size_t)i + 1);
		sum += target_work(2, i == n - 1) + p[i];
		free(p);
	}
	print_pid();
	return sum < 0;
}
