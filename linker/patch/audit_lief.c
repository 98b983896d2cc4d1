/* SPDX-License-Identifier: MIT */
#include "audit_lief.h"

#ifdef BPFTIME_LIEF

#include <LIEF/ELF.h>
#include <dlfcn.h>
#include <inttypes.h>

#include "sha256.h"

const int audit_lief_built = 1;

/* Names come out of hostile files: one line each. */
static void put_name(FILE *out, const char *s)
{
	for (; s && *s; s++)
		if (*s > ' ' && *s < 0x7f)
			fputc(*s, out);
		else
			fprintf(out, "\\x%02x", (unsigned char)*s);
}

static void put_digest(FILE *out, const struct audit_ctx *c, const uint8_t *p, uint64_t foff,
		       uint64_t n)
{
	struct sha256 s;
	uint8_t d[32];

	sha256_init(&s);
	if (p)
		audit_hash_range(c, &s, p, foff, n);
	sha256_done(&s, d);
	for (int i = 0; i < 16; i++)
		fprintf(out, "%02x", d[i]);
	fputc('\n', out);
}

static void put_symbols(FILE *out, const char *table, Elf_Symbol_t **s)
{
	for (size_t i = 0; s && s[i]; i++) {
		fprintf(out, "%s %" PRIx64 " %" PRIx64 " %u %u %u ", table, s[i]->value, s[i]->size,
			(unsigned)s[i]->type, (unsigned)s[i]->binding, s[i]->shndx);
		put_name(out, s[i]->name);
		fputc('\n', out);
	}
}

static void put_all(FILE *out, const struct audit_ctx *c, const Elf_Binary_t *b)
{
	fprintf(out, "header %u %u %" PRIx64 "\n", (unsigned)b->header.file_type,
		(unsigned)b->header.machine_type, b->header.entrypoint);
	fputs("interp ", out);
	put_name(out, b->interpreter);
	fputc('\n', out);
	for (size_t i = 0; b->segments && b->segments[i]; i++) {
		const Elf_Segment_t *s = b->segments[i];

		fprintf(out, "segment %x %x %" PRIx64 " %" PRIx64 " %" PRIx64 " %" PRIx64 "\n",
			(unsigned)s->type, s->flags, s->virtual_address, s->offset, s->size,
			s->virtual_size);
	}
	for (size_t i = 0; b->sections && b->sections[i]; i++) {
		const Elf_Section_t *s = b->sections[i];

		fputs("section ", out);
		put_name(out, *s->name ? s->name : "-");
		fprintf(out, " %x %x %" PRIx64 " %" PRIx64 " ", (unsigned)s->type, s->flags,
			s->virtual_address, s->size);
		put_digest(out, c, s->content, s->offset, s->type == 8 ? 0 : s->size);
	}
	for (size_t i = 0; b->dynamic_entries && b->dynamic_entries[i]; i++)
		fprintf(out, "dynamic %" PRIx64 " %" PRIx64 "\n",
			(uint64_t)b->dynamic_entries[i]->tag, b->dynamic_entries[i]->value);
	put_symbols(out, "dynsym", b->dynamic_symbols);
	put_symbols(out, "symtab", b->static_symbols);
}

int audit_lief_dump(const struct audit_ctx *c, const char *path, FILE *out)
{
	void *lib = dlopen("libLIEF.so.0", RTLD_NOW);
	Elf_Binary_t *(*parse)(const char *);
	void (*quiet)(void);
	Elf_Binary_t *b;

	if (!lib)
		return 1;
	*(void **)&parse = dlsym(lib, "elf_parse");
	*(void **)&quiet = dlsym(lib, "lief_logging_disable");
	if (!parse || !quiet)
		return 1;
	quiet();
	b = parse(path);
	if (!b)
		return 1;
	put_all(out, c, b);
	return 0;
}

#else

const int audit_lief_built;

int audit_lief_dump(const struct audit_ctx *c, const char *path, FILE *out)
{
	(void)c;
	(void)path;
	(void)out;
	return 1;
}

#endif
