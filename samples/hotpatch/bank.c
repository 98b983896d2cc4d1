/* SPDX-License-Identifier: MIT
 *
 * A bank with two bugs.  Reads lines "ACCOUNT AMOUNT" and takes the amount from the account. */
#include <stdio.h>

static const char *const name[] = { "Ada", "Grace", "Barbara", "Frances" };
static long balance[] = { 100, 200, 300, 400 };

/* Bug: a negative amount is a gift. */
__attribute__((noinline)) long withdraw(long from, long amount)
{
	return amount > from ? from : from - amount;
}

/* Bug: there are only four. */
__attribute__((noinline)) const char *owner(unsigned long account)
{
	return name[account];
}

int main(void)
{
	unsigned long account;
	long amount;

	setvbuf(stdout, NULL, _IOLBF, 0);
	while (scanf("%lu %ld", &account, &amount) == 2) {
		const char *who = owner(account);

		if (!who) {
			puts("no such account");
			continue;
		}
		balance[account] = withdraw(balance[account], amount);
		printf("%s has %ld\n", who, balance[account]);
	}
	return 0;
}
