/* SPDX-License-Identifier: MIT
 *
 * entry_parse.c - keys and values from words of a command line. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "btfval.h"
#include "entry.h"

enum { MAX_DEPTH = 16 };

struct parser {
	const struct mapfile *m;
	const char *what;	/* "key" or "value" */
	char  **word;
	size_t  n_word;
	uint8_t *out;
	size_t  bytes;
	struct diags *dg;
};

static int wrong(const struct parser *p, const char *why)
{
	return diag(p->dg, DIAG_M005, at_file(p->m->ref.label), "%s: %s", p->what, why);
}

static const char *next_word(struct parser *p)
{
	if (!p->n_word)
		return NULL;
	p->n_word--;
	return *p->word++;
}

static int parse_hex(struct parser *p)
{
	for (size_t i = 0; i < p->bytes; i++) {
		const char *w = next_word(p);
		unsigned long v;
		char *end;

		if (!w) {
			diag(p->dg, DIAG_M005, at_file(p->m->ref.label),
			     "%s: %zu bytes are needed, there are %zu", p->what, p->bytes, i);
			return -DIAG_M005;
		}
		errno = 0;
		v = strtoul(w, &end, 16);
		if (errno || *end || end == w || v > 255 || *w == '-')
			return diag(p->dg, DIAG_M005, at_file(p->m->ref.label),
				    "%s: '%s' is not a byte in hex", p->what, w);
		p->out[i] = (uint8_t)v;
	}
	return 0;
}

static int parse_number(struct parser *p, size_t off, size_t bytes, bool is_signed)
{
	const char *w = next_word(p);
	unsigned bits = 8 * (unsigned)bytes;
	uint64_t v;
	bool fits;
	char *end;

	if (!w)
		return wrong(p, "a number is missing");
	errno = 0;
	if (*w == '-') {
		int64_t s = strtoll(w, &end, 0);

		v = (uint64_t)s;
		fits = is_signed && s >= -(int64_t)(1ull << (bits - 1));
	} else {
		v = strtoull(w, &end, 0);
		fits = bits == 64 || v >> (bits - is_signed) == 0;
		fits &= !is_signed || v >> 63 == 0;
	}
	if (*end || end == w || errno || !fits)
		return diag(p->dg, DIAG_M005, at_file(p->m->ref.label),
			    "%s: '%s' is not a number of %zu bytes%s", p->what, w, bytes,
			    is_signed ? "" : " without a sign");
	memcpy(p->out + off, &v, bytes);
	return 0;
}

static int parse_string(struct parser *p, size_t off, size_t bytes)
{
	const char *w = next_word(p);

	if (!w)
		return wrong(p, "a string is missing");
	if (strlen(w) > bytes)
		return diag(p->dg, DIAG_M005, at_file(p->m->ref.label),
			    "%s: '%s' is longer than %zu bytes", p->what, w, bytes);
	memcpy(p->out + off, w, strlen(w));
	return 0;
}

static int parse_type(struct parser *p, uint32_t id, size_t off, unsigned depth);

static int parse_members(struct parser *p, const struct btf_type *t, size_t off, unsigned depth)
{
	int r = 0;

	for (uint16_t i = 0; r >= 0 && i < btf_vlen(t); i++) {
		uint32_t bit_off = btf_member_bit_offset(t, i);

		if (btf_member_bitfield_size(t, i) || bit_off % 8)
			return wrong(p, "it has bit fields: write it as hex bytes");
		r = parse_type(p, btf_members(t)[i].type, off + bit_off / 8, depth + 1);
	}
	return r;
}

/* Global variables, in the order in which dump shows them. */
static int parse_variables(struct parser *p, const struct btf_type *t, size_t off, unsigned depth)
{
	const struct btf_var_secinfo *v = btf_var_secinfos(t);
	int r = 0;

	for (uint16_t i = 0; r >= 0 && i < btf_vlen(t); i++) {
		const struct btf_type *var = btf__type_by_id(p->m->btf, v[i].type);

		if (!var || !btf_is_var(var))
			return wrong(p, "its type makes no sense: write it as hex bytes");
		r = parse_type(p, var->type, off + v[i].offset, depth + 1);
	}
	return r;
}

/* Takes a word that names a truth value, as dump shows those. */
static bool parse_bool(struct parser *p, const struct btf_type *t, size_t off)
{
	if (!btf_is_int(t) || btf_int_encoding(t) != BTF_INT_BOOL || !p->n_word ||
	    (strcmp(*p->word, "true") && strcmp(*p->word, "false")))
		return false;
	p->out[off] = !strcmp(next_word(p), "true");
	return true;
}

static int parse_type(struct parser *p, uint32_t id, size_t off, unsigned depth)
{
	const struct btf *btf = p->m->btf;
	const struct btf_type *t = btfval_resolve(btf, id, NULL);
	int64_t size = t ? btfval_size(btf, id) : -1;
	bool is_signed;
	int r = 0;

	if (size < 0 || off > p->bytes || (uint64_t)size > p->bytes - off || depth > MAX_DEPTH)
		return wrong(p, "its type makes no sense: write it as hex bytes");
	if (size && parse_bool(p, t, off))
		return 0;
	if (btfval_is_scalar(btf, id, &is_signed))
		return parse_number(p, off, (size_t)size, is_signed);
	if (btfval_is_string(btf, id))
		return parse_string(p, off, (size_t)size);
	if (btf_is_struct(t))
		return parse_members(p, t, off, depth);
	if (btf_is_datasec(t))
		return parse_variables(p, t, off, depth);
	if (btf_is_array(t) && size) {
		size_t n = btf_array(t)->nelems, each = (size_t)size / n;

		for (size_t i = 0; r >= 0 && i < n; i++)
			r = parse_type(p, btf_array(t)->type, off + i * each, depth + 1);
		return r;
	}
	return wrong(p, "its type has no form of its own: write it as hex bytes");
}

static int parse(struct parser *p, uint32_t type)
{
	memset(p->out, 0, p->bytes);
	if (p->n_word && !strcmp(*p->word, "hex")) {
		next_word(p);
		return parse_hex(p);
	}
	if (type)
		return parse_type(p, type, 0, 0);
	if (p->bytes == 1 || p->bytes == 2 || p->bytes == 4 || p->bytes == 8)
		return parse_number(p, 0, p->bytes, false);
	return diag(p->dg, DIAG_M005, at_file(p->m->ref.label),
		    "%s: its type is not known: write hex and %zu bytes", p->what, p->bytes);
}

int entry_parse_key(const struct mapfile *m, char ***word, size_t *n_word, void *key,
		    struct diags *dg)
{
	struct parser p = { m, "key", *word, *n_word, key, m->h.key_size, dg };
	int r = m->h.key_size ? parse(&p, m->key_type)
			      : diag(dg, DIAG_M008, at_file(m->ref.label), "it has no keys");

	*word = p.word;
	*n_word = p.n_word;
	return r;
}

int entry_parse_value(const struct mapfile *m, char ***word, size_t *n_word, void *value,
		      struct diags *dg)
{
	struct parser p = { m, "value", *word, *n_word, value, m->h.value_size, dg };
	int r = parse(&p, m->value_type);

	for (uint32_t i = 1; r >= 0 && m->percpu && i < m->cpus; i++)
		memcpy((uint8_t *)value + i * m->stride, value, m->stride);
	*word = p.word;
	*n_word = p.n_word;
	return r;
}

int entry_parse_sample(const struct mapfile *m, char **word, size_t n_word, struct arena *a,
		       struct bytes *out, struct diags *dg)
{
	struct parser p = { m, "sample", word + 1, n_word - 1, NULL, n_word - 1, dg };
	int r;

	if (strcmp(word[0], "hex")) {
		*out = (struct bytes){ (const uint8_t *)word[0], strlen(word[0]) };
		return n_word == 1 ? 0 : diag(dg, DIAG_M005, at_file(m->ref.label),
					      "sample: a text is one word; quote it, or write hex 01 02 ..");
	}
	p.out = arena_alloc(a, n_word);
	r = parse_hex(&p);
	*out = (struct bytes){ p.out, n_word - 1 };
	return r;
}
