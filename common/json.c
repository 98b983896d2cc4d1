/* SPDX-License-Identifier: MIT */
#include "json.h"

#include <inttypes.h>
#include <string.h>

/* Length of the UTF-8 sequence at s, 0 when it is not one. */
static size_t utf8_len(const unsigned char *s, size_t n)
{
	size_t len = s[0] < 0x80 ? 1 : s[0] >= 0xc2 && s[0] < 0xe0 ? 2
		     : s[0] >= 0xe0 && s[0] < 0xf0 ? 3 : s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : 0;

	if (!len || len > n)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

static void quote(FILE *out, const char *str, size_t n)
{
	const unsigned char *s = (const unsigned char *)str;

	fputc('"', out);
	for (size_t i = 0; i < n;) {
		size_t len = utf8_len(s + i, n - i);

		if (len == 1 && (s[i] == '"' || s[i] == '\\'))
			fprintf(out, "\\%c", s[i]);
		else if (!len || s[i] < 0x20 || s[i] == 0x7f)
			fprintf(out, "\\u%04x", s[i]);
		else
			fwrite(s + i, 1, len, out);
		i += len ? len : 1;
	}
	fputc('"', out);
}

static void begin(struct json *j, const char *key)
{
	if (j->comma >> j->depth & 1)
		fputc(',', j->out);
	j->comma |= 1ull << j->depth;
	if (key) {
		quote(j->out, key, strlen(key));
		fputc(':', j->out);
	}
}

void json_open(struct json *j, const char *key, char bracket)
{
	begin(j, key);
	fputc(bracket, j->out);
	j->depth++;
	j->comma &= ~(1ull << j->depth);
}

void json_close(struct json *j, char bracket)
{
	fputc(bracket, j->out);
	if (!--j->depth) {
		fputc('\n', j->out);
		j->comma = 0;
	}
}

void json_str(struct json *j, const char *key, const char *s)
{
	if (s)
		json_strn(j, key, s, strlen(s));
	else
		json_null(j, key);
}

void json_strn(struct json *j, const char *key, const char *s, size_t n)
{
	begin(j, key);
	quote(j->out, s, n);
}

void json_u64(struct json *j, const char *key, uint64_t v)
{
	begin(j, key);
	fprintf(j->out, "%" PRIu64, v);
}

void json_i64(struct json *j, const char *key, int64_t v)
{
	begin(j, key);
	fprintf(j->out, "%" PRId64, v);
}

void json_hex(struct json *j, const char *key, uint64_t v)
{
	begin(j, key);
	fprintf(j->out, "\"0x%" PRIx64 "\"", v);
}

void json_hexbytes(struct json *j, const char *key, const void *p, size_t n)
{
	const unsigned char *s = p;

	begin(j, key);
	fputc('"', j->out);
	for (size_t i = 0; i < n; i++)
		fprintf(j->out, "%02x", s[i]);
	fputc('"', j->out);
}

void json_double(struct json *j, const char *key, double v)
{
	begin(j, key);
	fprintf(j->out, "%.6g", v);
}

void json_bool(struct json *j, const char *key, bool v)
{
	begin(j, key);
	fputs(v ? "true" : "false", j->out);
}

void json_null(struct json *j, const char *key)
{
	begin(j, key);
	fputs("null", j->out);
}
