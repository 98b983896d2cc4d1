/* SPDX-License-Identifier: MIT */
#include "pages.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

enum { ROW = 16, PAGE = MAPFMT_ARENA_PAGE };

struct page {
	uint32_t index;
	uint64_t address;
	uint8_t  byte[PAGE];
};

/* The first backed page from `index` on: 1, 0 behind the last one, or negative.  What is in it is read from the
 * file: one that somebody cut short must not be a SIGBUS. */
static int next_page(const struct mapfile *m, uint32_t index, struct page *out, struct diags *dg)
{
	const uint64_t *backed = (const uint64_t *)((const uint8_t *)m->base + mapfmt_arena_backed(m->m.max_entries));
	uint64_t start, off;
	ssize_t n;

	while (index < m->m.max_entries && !(__atomic_load_n(&backed[index / 64], __ATOMIC_ACQUIRE) >> index % 64 & 1))
		index++;
	if (index >= m->m.max_entries)
		return 0;
	memcpy(&start, m->mapped + MAPFMT_ARENA_START_OFF, sizeof(start));
	off = MAPFMT_HEADER_BYTES + mapfmt_arena_pages(m->m.max_entries) + (uint64_t)index * PAGE;
	out->index = index;
	out->address = start + (uint64_t)index * PAGE;
	n = pread(m->fd, out->byte, PAGE, (off_t)off);
	if (n == PAGE)
		return 1;
	return diag(dg, DIAG_E001, at_file(m->ref.label), "page %" PRIu32 ": %s", index,
		    n < 0 ? strerror(errno) : "the file ends before it");
}

static void print_row(FILE *out, uint64_t address, const uint8_t *p)
{
	fprintf(out, "%012" PRIx64, address);
	for (unsigned i = 0; i < ROW; i++)
		fprintf(out, "%s%02x", i % 8 ? " " : "  ", p[i]);
	fputs("  |", out);
	for (unsigned i = 0; i < ROW; i++)
		putc(p[i] >= 0x20 && p[i] < 0x7f ? p[i] : '.', out);
	fputs("|\n", out);
}

int pages_text(const struct mapfile *m, FILE *out, struct diags *dg)
{
	struct page p;
	int r;

	for (uint32_t i = 0; (r = next_page(m, i, &p, dg)) > 0; i = p.index + 1) {
		bool same = false, was;

		for (unsigned at = 0; at < PAGE; at += ROW) {
			was = same;
			same = at && !memcmp(p.byte + at, p.byte + at - ROW, ROW);
			if (!same)
				print_row(out, p.address + at, p.byte + at);
			else if (!was)
				fputs("*\n", out);
		}
	}
	return r;
}

int pages_json(const struct mapfile *m, struct json *j, struct diags *dg)
{
	struct page p;
	int r;

	json_open(j, NULL, '[');
	for (uint32_t i = 0; (r = next_page(m, i, &p, dg)) > 0; i = p.index + 1) {
		json_open(j, NULL, '{');
		json_u64(j, "page", p.index);
		json_hex(j, "address", p.address);
		json_hexbytes(j, "bytes", p.byte, PAGE);
		json_close(j, '}');
	}
	json_close(j, ']');
	return r;
}
