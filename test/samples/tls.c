/* SPDX-License-Identifier: MIT
 *
 * sample_tls CALLS: writes and reads CALLS times what it claims to be plaintext, through SSL_write and
 * SSL_read of sample_ssl. */
#include <stdlib.h>

int SSL_write(void *ssl, const void *from, int bytes);
int SSL_read(void *ssl, void *to, int bytes);

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 0, sum = 0;
	char text[] = "plaintext";

	for (int i = 0; i < n; i++)
		sum += SSL_write(&sum, text, sizeof(text)) + SSL_read(&sum, text, sizeof(text));
	return sum != 2 * n * (int)sizeof(text);
}
