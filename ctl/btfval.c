/* SPDX-License-Identifier: MIT */
#include "btfval.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "text.h"

enum { MAX_DEPTH = 24, MAX_MODS = 32 };

/* Where a value goes: JSON, or text when j is NULL. */
struct sink {
	struct json *j;
	FILE *text;
	const struct btf *btf;
	const uint8_t *p;	/* of the outermost value */
	size_t n;
	enum btfval_style style;
	unsigned depth;
	size_t nodes;		/* how many more values may be printed */
};

static void value(struct sink *s, const char *key, uint32_t id, uint64_t off);

const struct btf_type *btfval_resolve(const struct btf *btf, uint32_t type_id, uint32_t *id)
{
	const struct btf_type *t = btf__type_by_id(btf, type_id);

	for (int i = 0; t && i < MAX_MODS; i++) {
		if (!btf_is_mod(t) && !btf_is_typedef(t) && !btf_is_type_tag(t)) {
			if (id)
				*id = type_id;
			return t;
		}
		type_id = t->type;
		t = btf__type_by_id(btf, type_id);
	}
	return NULL;
}

int64_t btfval_size(const struct btf *btf, uint32_t type_id)
{
	int64_t n = 1;

	for (int i = 0; i < MAX_MODS; i++) {
		const struct btf_type *t = btfval_resolve(btf, type_id, NULL);

		if (!t)
			return -1;
		switch (btf_kind(t)) {
		case BTF_KIND_ARRAY:
			if (btf_array(t)->nelems && n > INT32_MAX / btf_array(t)->nelems)
				return -1;
			n *= btf_array(t)->nelems;
			type_id = btf_array(t)->type;
			continue;
		case BTF_KIND_PTR:
			return n * 8;
		case BTF_KIND_VAR:
			type_id = t->type;
			continue;
		case BTF_KIND_INT:
		case BTF_KIND_ENUM:
		case BTF_KIND_ENUM64:
		case BTF_KIND_FLOAT:
		case BTF_KIND_STRUCT:
		case BTF_KIND_UNION:
		case BTF_KIND_DATASEC:
			return t->size && n > INT32_MAX / t->size ? -1 : n * t->size;
		default:
			return -1;
		}
	}
	return -1;
}

bool btfval_is_scalar(const struct btf *btf, uint32_t type_id, bool *is_signed)
{
	const struct btf_type *t = btfval_resolve(btf, type_id, NULL);
	uint32_t size;

	if (!t)
		return false;
	size = btf_is_ptr(t) ? 8 : t->size;
	if (is_signed)
		*is_signed = (btf_is_int(t) && btf_int_encoding(t) == BTF_INT_SIGNED) ||
			     (btf_is_any_enum(t) && btf_kflag(t));
	return (btf_is_int(t) || btf_is_any_enum(t) || btf_is_ptr(t)) &&
	       (size == 1 || size == 2 || size == 4 || size == 8);
}

static const char *name_of(const struct btf *btf, uint32_t off)
{
	const char *s = btf__name_by_offset(btf, off);

	return s ? s : "";
}

static bool is_char(const struct btf *btf, uint32_t id)
{
	const struct btf_type *t = btf__type_by_id(btf, id);

	/* Qualifiers only: a typedef to char (u8) is a number, as in bpftool. */
	for (int i = 0; t && btf_is_mod(t) && i < MAX_MODS; i++)
		t = btf__type_by_id(btf, t->type);
	return t && btf_is_int(t) && t->size == 1 &&
	       (btf_int_encoding(t) == BTF_INT_CHAR || !strcmp(name_of(btf, t->name_off), "char"));
}

bool btfval_is_string(const struct btf *btf, uint32_t type_id)
{
	const struct btf_type *t = btfval_resolve(btf, type_id, NULL);

	return t && btf_is_array(t) && is_char(btf, btf_array(t)->type);
}

/* ---- the two forms of output ---- */

static void text_key(struct sink *s, const char *key)
{
	if (!key || !*key)
		return;
	fputc('.', s->text);
	text_put_clean(s->text, key);
	fputs(" = ", s->text);
}

static void put_u64(struct sink *s, const char *key, uint64_t v)
{
	if (s->j) {
		json_u64(s->j, key, v);
	} else {
		text_key(s, key);
		fprintf(s->text, "%" PRIu64, v);
	}
}

static void put_i64(struct sink *s, const char *key, int64_t v)
{
	if (s->j) {
		json_i64(s->j, key, v);
	} else {
		text_key(s, key);
		fprintf(s->text, "%" PRId64, v);
	}
}

static void put_null(struct sink *s, const char *key)
{
	if (s->j) {
		json_null(s->j, key);
	} else {
		text_key(s, key);
		fputc('?', s->text);
	}
}

/* A word that is not quoted in text (an enumerator, true). */
static void put_word(struct sink *s, const char *key, const char *w)
{
	if (s->j) {
		json_str(s->j, key, w);
	} else {
		text_key(s, key);
		text_put_clean(s->text, w);
	}
}

static void put_string(struct sink *s, const char *key, const char *p, size_t n)
{
	if (s->j) {
		json_strn(s->j, key, p, n);
		return;
	}
	text_key(s, key);
	fputc('"', s->text);
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];
		const char *esc = c == '\n' ? "\\n" : c == '\r' ? "\\r" : c == '\t' ? "\\t" : NULL;

		if (esc)
			fputs(esc, s->text);
		else if (c == '"' || c == '\\')
			fprintf(s->text, "\\%c", c);
		else if (c < 0x20 || c >= 0x7f)
			fprintf(s->text, "\\x%02x", c);
		else
			fputc(c, s->text);
	}
	fputc('"', s->text);
}

static void open_group(struct sink *s, const char *key, char bracket)
{
	if (s->j) {
		json_open(s->j, key, bracket);
	} else {
		text_key(s, key);
		fputc(bracket, s->text);
	}
}

static void close_group(struct sink *s, char bracket)
{
	if (s->j)
		json_close(s->j, bracket);
	else
		fputc(bracket, s->text);
}

static void between(struct sink *s, bool first)
{
	if (!s->j && !first)
		fputs(", ", s->text);
}

/* ---- the walk ---- */

static const uint8_t *bytes_of(const struct sink *s, uint64_t off, uint64_t n)
{
	return off <= s->n && n <= s->n - off ? s->p + off : NULL;
}

static uint64_t load(const uint8_t *p, uint32_t n, bool is_signed)
{
	uint64_t v = 0;

	memcpy(&v, p, n);	/* little endian, as the map's byte order was checked to be */
	if (is_signed && n < 8 && v >> (8 * n - 1) & 1)
		v |= UINT64_MAX << 8 * n;
	return v;
}

static void integer(struct sink *s, const char *key, const struct btf_type *t, const uint8_t *p)
{
	uint8_t enc = btf_int_encoding(t);

	if (t->size == 16) {
		char hex[40];
		uint64_t hi = load(p + 8, 8, false), lo = load(p, 8, false);

		if (hi)
			snprintf(hex, sizeof(hex), "0x%" PRIx64 "%016" PRIx64, hi, lo);
		else
			snprintf(hex, sizeof(hex), "0x%" PRIx64, lo);
		put_word(s, key, hex);
	} else if (t->size > 8) {
		put_null(s, key);
	} else if (enc == BTF_INT_BOOL) {
		if (s->j)
			json_bool(s->j, key, *p);
		else
			put_word(s, key, *p ? "true" : "false");
	} else if (enc == BTF_INT_CHAR) {
		char c[8];

		snprintf(c, sizeof(c), isprint(*p) ? "%c" : "\\x%02x", *p);
		put_word(s, key, c);
	} else if (enc == BTF_INT_SIGNED) {
		put_i64(s, key, (int64_t)load(p, t->size, true));
	} else {
		put_u64(s, key, load(p, t->size, false));
	}
}

static void enumerator(struct sink *s, const char *key, const struct btf_type *t, const uint8_t *p)
{
	bool is_signed = btf_kflag(t);
	uint64_t v;

	if (t->size != 1 && t->size != 2 && t->size != 4 && t->size != 8) {
		put_null(s, key);
		return;
	}
	v = load(p, t->size, is_signed);
	for (uint16_t i = 0; i < btf_vlen(t); i++) {
		uint64_t e = btf_is_enum64(t) ? btf_enum64_value(&btf_enum64(t)[i])
			     : is_signed ? (uint64_t)(int64_t)btf_enum(t)[i].val
					 : (uint32_t)btf_enum(t)[i].val;

		if (e == v) {
			put_word(s, key,
				 name_of(s->btf, btf_is_enum64(t) ? btf_enum64(t)[i].name_off
								  : btf_enum(t)[i].name_off));
			return;
		}
	}
	if (is_signed || !btf_is_enum64(t))	/* bpftool prints these as int */
		put_i64(s, key, is_signed ? (int64_t)v : (int32_t)v);
	else
		put_u64(s, key, v);
}

/* Length of the string in a char array, or -1 when it is to be shown as an array. */
static int64_t string_len(const struct sink *s, const uint8_t *p, uint32_t n)
{
	const uint8_t *end = memchr(p, 0, n);

	if (s->style == BTFVAL_TEXT)
		return end ? end - p : n;
	for (const uint8_t *c = p; end && c < end; c++)
		if (*c <= 0x1f || *c >= 0x7f)
			return -1;
	return end ? end - p : -1;
}

static void array(struct sink *s, const char *key, const struct btf_type *t, uint64_t off)
{
	const struct btf_array *a = btf_array(t);
	int64_t each = btfval_size(s->btf, a->type);
	uint32_t n = each > 0 ? a->nelems : 0;

	if (n && is_char(s->btf, a->type)) {
		/* A record may be shorter than its type: its last array then ends early. */
		uint64_t room = off < s->n ? s->n - off : 0;
		uint32_t have = s->style == BTFVAL_TEXT && room < n ? (uint32_t)room : n;
		const uint8_t *p = bytes_of(s, off, have);
		int64_t len = p ? string_len(s, p, have) : -1;

		if (!p) {
			put_null(s, key);
			return;
		}
		if (len >= 0) {
			put_string(s, key, (const char *)p, (size_t)len);
			return;
		}
	}
	open_group(s, key, '[');
	for (uint32_t i = 0; i < n && s->nodes; i++) {
		if (!bytes_of(s, off + (uint64_t)i * (uint64_t)each, (uint64_t)each))
			break;
		between(s, !i);
		value(s, NULL, a->type, off + (uint64_t)i * (uint64_t)each);
	}
	close_group(s, ']');
}

/* bpftool shows bit fields of every type as unsigned numbers. */
static void bitfield(struct sink *s, const char *key, uint64_t bit_off, uint32_t bits)
{
	uint64_t first = bit_off / 8;
	uint32_t shift = bit_off % 8;
	const uint8_t *p = bytes_of(s, first, (shift + bits + 7) / 8);
	unsigned __int128 v = 0;

	if (!p || bits > 64) {
		put_null(s, key);
		return;
	}
	memcpy(&v, p, (shift + bits + 7) / 8);
	v = v >> shift & ((((unsigned __int128)1) << bits) - 1);
	if (s->j)
		json_hex(s->j, key, (uint64_t)v);
	else
		put_u64(s, key, (uint64_t)v);
}

static void composite(struct sink *s, const char *key, const struct btf_type *t, uint64_t off)
{
	const struct btf_member *m = btf_members(t);

	open_group(s, key, '{');
	for (uint16_t i = 0; i < btf_vlen(t) && s->nodes; i++) {
		const char *name = name_of(s->btf, m[i].name_off);
		uint32_t bit_off = btf_member_bit_offset(t, i);
		uint32_t bits = btf_member_bitfield_size(t, i);

		between(s, !i);
		if (bits || bit_off % 8) {
			bitfield(s, name, off * 8 + bit_off, bits);
			s->nodes--;	/* > 0, above */
		} else {
			value(s, name, m[i].type, off + bit_off / 8);
		}
	}
	close_group(s, '}');
}

static void datasec(struct sink *s, const char *key, const struct btf_type *t, uint64_t off)
{
	const struct btf_var_secinfo *v = btf_var_secinfos(t);

	if (s->j) {
		json_open(s->j, key, '{');
		json_open(s->j, name_of(s->btf, t->name_off), '[');
	} else {
		fputc('{', s->text);
	}
	for (uint16_t i = 0; i < btf_vlen(t) && s->nodes; i++) {
		between(s, !i);
		value(s, NULL, v[i].type, off + v[i].offset);
	}
	if (s->j)
		json_close(s->j, ']');
	close_group(s, '}');
}

static void variable(struct sink *s, const char *key, const struct btf_type *t, uint64_t off)
{
	const char *name = name_of(s->btf, t->name_off);

	if (s->j)
		json_open(s->j, key, '{');
	value(s, name, t->type, off);
	if (s->j)
		json_close(s->j, '}');
}

static void floating(struct sink *s, const char *key, const struct btf_type *t, const uint8_t *p)
{
	double d = 0;
	float f = 0;

	if (t->size == 8)
		memcpy(&d, p, 8);
	else if (t->size == 4)
		memcpy(&f, p, 4), d = f;
	else
		put_null(s, key);
	if (t->size != 8 && t->size != 4)
		return;
	if (s->j) {
		json_double(s->j, key, d);
	} else {
		text_key(s, key);
		fprintf(s->text, "%g", d);
	}
}

static void value(struct sink *s, const char *key, uint32_t id, uint64_t off)
{
	const struct btf_type *t = btfval_resolve(s->btf, id, NULL);
	int64_t n = t ? btfval_size(s->btf, id) : -1;
	const uint8_t *p = n > 0 && !btf_is_array(t) ? bytes_of(s, off, (uint64_t)n) : NULL;

	s->nodes -= s->nodes > 0;
	if (!s->nodes || s->depth >= MAX_DEPTH) {
		put_null(s, key);
		return;
	}
	s->depth++;
	if (n < 0)
		put_null(s, key);
	else if (btf_is_array(t))
		array(s, key, t, off);
	else if (btf_is_composite(t))
		composite(s, key, t, off);
	else if (btf_is_datasec(t))
		datasec(s, key, t, off);
	else if (btf_is_var(t))
		variable(s, key, t, off);
	else if (!p)
		put_null(s, key);
	else if (btf_is_int(t))
		integer(s, key, t, p);
	else if (btf_is_any_enum(t))
		enumerator(s, key, t, p);
	else if (btf_is_ptr(t))
		put_u64(s, key, load(p, 8, false));
	else
		floating(s, key, t, p);
	s->depth--;
}

/* A sane type has at most a few values a byte; one that contains itself has no end. */
static size_t node_limit(size_t n)
{
	return 1024 + 8 * n;
}

void btfval_json(struct json *j, const char *key, const struct btf *btf, uint32_t type_id,
		 const void *p, size_t n, enum btfval_style style)
{
	struct sink s = { .j = j, .btf = btf, .p = p, .n = n, .style = style,
			  .nodes = node_limit(n) };

	value(&s, key, type_id, 0);
}

void btfval_text(FILE *out, const struct btf *btf, uint32_t type_id, const void *p, size_t n)
{
	struct sink s = { .text = out, .btf = btf, .p = p, .n = n, .style = BTFVAL_TEXT,
			  .nodes = node_limit(n) };

	value(&s, NULL, type_id, 0);
}
