/* SPDX-License-Identifier: MIT
 *
 * The types that programs are relocated against, and an index of their names. */
#include <gelf.h>
#include <libelf.h>
#include <unistd.h>

#include "core.h"
#include "file.h"
#include "hooks.h"
#include "obj.h"
#include "objfmt.h"

#define KERNEL_BTF "/sys/kernel/btf/vmlinux"
enum { BUDGET = 50000000 };

/* The frame that hooked programs get is the kernel's struct pt_regs by contract, so
 * their accesses to it have an answer on a machine without any BTF. */
static struct btf *pt_regs_btf(void)
{
	static const char *const fields[] = {
		"r15", "r14", "r13", "r12", "bp", "bx", "r11", "r10", "r9", "r8", "ax",
		"cx", "dx", "si", "di", "orig_ax", "ip", "cs", "flags", "sp", "ss",
	};
	struct btf *b = btf__new_empty();
	int word;

	if (!b)
		return NULL;
	word = btf__add_int(b, "unsigned long", 8, 0);
	btf__add_struct(b, "pt_regs", CTX_REGS_BYTES);
	for (uint32_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		btf__add_field(b, fields[i], word, i * 64, 0);
	return b;
}

/* Maps are ours: a program that reads the fields of one finds them where struct bpftime_map has them. */
static struct btf *maps_btf(void)
{
	static const struct {
		const char *name;
		size_t off;
		bool wide;
	} fields[] = {
		{ "map_type", offsetof(struct bpftime_map, type), false },
		{ "key_size", offsetof(struct bpftime_map, key_size), false },
		{ "value_size", offsetof(struct bpftime_map, value_size), false },
		{ "max_entries", offsetof(struct bpftime_map, max_entries), false },
		{ "map_flags", offsetof(struct bpftime_map, flags), false },
		{ "map_extra", offsetof(struct bpftime_map, map_extra), true },
	};
	struct btf *b = btf__new_empty();
	int half, word, map;

	if (!b)
		return NULL;
	half = btf__add_int(b, "unsigned int", 4, 0);
	word = btf__add_int(b, "unsigned long", 8, 0);
	map = btf__add_struct(b, "bpf_map", sizeof(struct bpftime_map));
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		btf__add_field(b, fields[i].name, fields[i].wide ? word : half, (uint32_t)fields[i].off * 8, 0);
	btf__add_struct(b, "bpf_arena", OBJFMT_MAP_USER_END + 8);
	btf__add_field(b, "map", map, 0, 0);
	btf__add_field(b, "user_vm_start", word, OBJFMT_MAP_USER_START * 8, 0);
	btf__add_field(b, "user_vm_end", word, OBJFMT_MAP_USER_END * 8, 0);
	return b;
}

/* .BTF of an ELF file of any machine; .n is 0 without one. */
static struct bytes elf_btf(struct bytes file)
{
	struct bytes out = { NULL, 0 };
	Elf_Scn *scn = NULL;
	Elf *elf;
	size_t strndx;

	elf_version(EV_CURRENT);
	elf = elf_memory((char *)(uintptr_t)file.p, file.n);
	if (elf && !elf_getshdrstrndx(elf, &strndx)) {
		while ((scn = elf_nextscn(elf, scn))) {
			GElf_Shdr h;
			const char *name;
			Elf_Data *d;

			if (!gelf_getshdr(scn, &h) || h.sh_type == SHT_NOBITS)
				continue;
			name = elf_strptr(elf, strndx, h.sh_name);
			if (!name || strcmp(name, ".BTF"))
				continue;
			d = elf_rawdata(scn, NULL);
			if (d && d->d_buf)
				out = (struct bytes){ d->d_buf, d->d_size };
		}
	}
	elf_end(elf);
	return out;
}

static int read_target(struct core_target *t, struct arena *a, const char *path, struct diags *dg)
{
	struct bytes b;
	const char *why;
	int err = file_read(a, path, &b, NULL, dg);

	if (err)
		return err;
	if (b.n >= 4 && !memcmp(b.p, ELFMAG, 4)) {
		b = elf_btf(b);
		if (!b.n)
			return diag(dg, DIAG_R010, at_file(path), "an ELF file without .BTF");
	}
	why = btf_check(a, b);
	if (why)
		return diag(dg, DIAG_R010, at_file(path), "%s", why);
	t->btf = btf__new(b.p, (uint32_t)b.n);
	return t->btf ? 0 : diag(dg, DIAG_R010, at_file(path), "libbpf refuses it");
}

static uint32_t hash(const char *s, size_t n)
{
	uint32_t h = 2166136261u;	/* FNV-1a */

	for (size_t i = 0; i < n; i++)
		h = (h ^ (uint8_t)s[i]) * 16777619u;
	return h;
}

static void index_names(struct core_target *t, struct arena *a)
{
	uint32_t n = btf__type_cnt(t->btf), size = 64;

	while (size < n)
		size *= 2;
	t->mask = size - 1;
	t->head = arena_array(a, size, sizeof(*t->head));
	t->next = arena_array(a, n, sizeof(*t->next));
	for (uint32_t id = n - 1; id > 0; id--) {	/* so that chains ascend */
		const char *s = btf_str(t->btf, btf__type_by_id(t->btf, id)->name_off);
		uint32_t h = hash(s, core_plain_len(s)) & t->mask;

		if (!s[0])
			continue;
		t->next[id] = t->head[h];
		t->head[h] = id;
	}
}

int core_target_load(struct core_target *t, struct arena *a, const char *path, struct diags *dg)
{
	int err = 0;

	*t = (struct core_target){ .budget = BUDGET };
	if (!path) {
		path = access(KERNEL_BTF, R_OK) ? "" : KERNEL_BTF;
		if (!path[0])
			diag_warn(dg, at_file(KERNEL_BTF),
				  "cannot be read (--btf FILE names another): "
				  "of all types only struct pt_regs is known");
	}
	if (path[0]) {
		err = read_target(t, a, path, dg);
	} else {
		t->btf = pt_regs_btf();
		if (!t->btf)
			err = diag(dg, DIAG_E003, at_file(NULL), "BTF");
	}
	if (!err)
		index_names(t, a);
	return err;
}

int core_target_maps(struct core_target *t, struct arena *a, struct diags *dg)
{
	*t = (struct core_target){ .budget = BUDGET, .btf = maps_btf() };
	if (!t->btf)
		return diag(dg, DIAG_E003, at_file(NULL), "BTF");
	index_names(t, a);
	return 0;
}

void core_target_free(struct core_target *t)
{
	btf__free(t->btf);
	t->btf = NULL;
}

struct core_cands core_candidates(struct arena *a, const struct core_target *t,
				  const struct btf *local, uint32_t type_id)
{
	const struct btf_type *l = btf__type_by_id(local, type_id);
	const char *name = btf_str(local, l->name_off);
	struct core_cands c = { NULL, 0 };
	size_t cap = 0;

	if (!name[0])
		return c;
	for (uint32_t id = t->head[hash(name,
					core_plain_len(name)) & t->mask]; id; id = t->next[id]) {
		const struct btf_type *y = btf__type_by_id(t->btf, id);

		if (core_kinds_compat(l, y) && core_same_plain(name, btf_str(t->btf, y->name_off)))
			*ARENA_PUSH(a, c.id, c.n, cap) = id;
	}
	return c;
}
