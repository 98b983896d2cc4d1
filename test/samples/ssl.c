/* SPDX-License-Identifier: MIT
 *
 * sample_ssl: a library with the soname and two of the functions of OpenSSL's. */
int SSL_write(void *ssl, const void *from, int bytes);
int SSL_read(void *ssl, void *to, int bytes);

int SSL_write(void *ssl, const void *from, int bytes)
{
	(void)ssl, (void)from;
	return bytes;
}

int SSL_read(void *ssl, void *to, int bytes)
{
	(void)ssl, (void)to;
	return bytes;
}
