// SPDX-License-Identifier: MIT
//
// names.cpp - a program, and with LIBRARY its library, whose functions have C++ names.
namespace ns {
int add(int a, const int *b);
}
int outer(int a);

#ifdef LIBRARY
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

// Starts a thread and a child, and waits for them, before the program's entry.
__attribute__((constructor)) static void busy_from_the_start()
{
	std::thread([] {}).join();
	pid_t p = fork();
	if (!p)
		_exit(0);
	waitpid(p, nullptr, 0);
}

__attribute__((noinline, visibility("protected"))) int ns::add(int a, const int *b)
{
	asm volatile("" : "+r"(a));
	return a + *b;
}

__attribute__((noinline, visibility("protected"))) int inner(int a)
{
	asm volatile("" : "+r"(a));
	return ns::add(a, &a) + 1;
}

int outer(int a)
{
	return inner(a) * 2;
}
#else
int main()
{
	int n = 1;

	for (int i = 0; i < 3; i++)
		n = ns::add(n, &i);
	for (int i = 0; i < 2; i++)
		n = outer(n);
	return n == 0;
}
#endif
