/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "cmd.h"
#include "disasm.h"
#include "file.h"
#include "front.h"
#include "hookfile.h"
#include "json.h"
#include "maps.h"
#include "progress.h"

enum { BPF = 1, IR = 2, ASM = 4, MAPS = 8, HOOKS = 16, STAMP = 32 };

static const char *const form_name[] = { "natural", "packed", "frame" };
static const char *const field_name[CTX_FIELDS] = {
	"r15", "r14", "r13", "r12", "bp", "bx", "r11", "r10", "r9", "r8", "ax", "cx", "dx", "si",
	"di", "orig_ax", "ip", "cs", "flags", "sp", "ss", "cookie", "func_ip",
};

static unsigned wanted(const struct opts *o)
{
	static const char *const name[] = { "bpf", "ir", "asm", "maps", "hooks", "stamp" };
	unsigned what = 0;

	for (unsigned i = 0; i < sizeof(name) / sizeof(name[0]); i++)
		if (opts_has(o, name[i]))
			what |= 1u << i;
	return what;
}

static void dump_prog(const struct unit *u, const struct unit_prog *p, struct json *j)
{
	uint32_t line_no = UINT32_MAX;
	size_t func = 0;

	if (j) {
		json_open(j, NULL, '{');
		json_str(j, "name", p->name);
		json_str(j, "sec", p->sec);
		json_open(j, "insns", '[');
	} else {
		printf("%s: %s\n", p->name, p->sec);
	}
	for (uint32_t i = 0; i < p->n_insn; i++) {
		const struct unit_line *l = unit_line_at(p, i);
		char text[256];

		vfy_insn_text(u, p, i, text, sizeof(text));
		if (j) {
			json_open(j, NULL, '{');
			json_u64(j, "insn", i);
			json_hexbytes(j, "code", &p->insn[i],
				      sizeof(*p->insn) << (p->insn[i].code == BPFI_LD_IMM64 &&
							   i + 1 < p->n_insn));
			json_str(j, "text", text);
			json_str(j, "src", unit_src(u, p, i));
			json_close(j, '}');
		} else {
			if (func < p->n_func && p->func[func].insn == i && func++)
				printf("%s:\n", p->func[func - 1].name);
			if (l && l->line != line_no)
				printf("; %s\n", l->text);
			line_no = l ? l->line : line_no;
			printf("%6u: %s\n", i, text);
		}
		i += p->insn[i].code == BPFI_LD_IMM64;
	}
	if (j) {
		json_close(j, ']');
		json_close(j, '}');
	}
}

static void dump_bpf(const struct unit *u, struct json *j)
{
	if (j)
		json_open(j, "programs", '[');
	for (size_t i = 0; i < u->n_prog; i++)
		dump_prog(u, &u->prog[i], j);
	if (j)
		json_close(j, ']');
}

static void dump_maps(const struct hookfile *h, struct json *j)
{
	if (j)
		json_open(j, "maps", '[');
	for (size_t i = 0; i < h->object.n_maps; i++) {
		const struct bpftime_map *m = &h->map[i];
		const struct map_row *row = map_row(m->type);
		const char *name = hookfile_str(h, ".bpftime.maps",
						i * sizeof(*m) + offsetof(struct bpftime_map, name_rel));

		if (j) {
			json_open(j, NULL, '{');
			json_str(j, "name", name);
			json_str(j, "type", row ? row->name : NULL);
			json_u64(j, "key_size", m->key_size);
			json_u64(j, "value_size", m->value_size);
			json_u64(j, "max_entries", m->max_entries);
			json_u64(j, "flags", m->flags);
			json_u64(j, "room_bytes", m->room_bytes);
			json_u64(j, "bits", m->bits);
			json_close(j, '}');
		} else {
			printf("map %s: %s, key %u B, value %u B, %u entries, flags 0x%x, %s\n", name,
			       row ? row->name : "unknown type", m->key_size, m->value_size,
			       m->max_entries, m->flags, m->room_bytes ? "room" : "slot");
		}
	}
	if (j)
		json_close(j, ']');
}

static void dump_mask(uint32_t mask, struct json *j)
{
	if (j)
		json_open(j, "ctx", '[');
	for (unsigned k = 0; k < CTX_FIELDS; k++) {
		if (!(mask & 1u << k))
			continue;
		if (j)
			json_str(j, NULL, field_name[k]);
		else
			printf(" %s", field_name[k]);
	}
	if (j)
		json_close(j, ']');
}

static void dump_hook(const struct hookfile *h, size_t i, struct json *j)
{
	const struct objfmt_hook *k = &h->hook[i];
	size_t at = i * sizeof(*k);
	const char *sec = ".bpftime.hooks";
	const char *prog = hookfile_str(h, sec, at + offsetof(struct objfmt_hook, prog_rel));
	const char *spec = hookfile_str(h, sec, at + offsetof(struct objfmt_hook, spec_rel));
	const char *entry = hookfile_sym(h, sec, at + offsetof(struct objfmt_hook, entry_rel));
	const char *body = hookfile_sym(h, sec, at + offsetof(struct objfmt_hook, body_rel));
	const char *kind = k->kind < HOOK_COUNT ? hook_table[k->kind].name : "unknown";
	const char *form = k->form < 3 && *entry ? form_name[k->form] : NULL;

	if (j) {
		json_open(j, NULL, '{');
		json_str(j, "prog", prog);
		json_str(j, "sec", spec);
		json_str(j, "kind", kind);
		json_str(j, "form", form);
		dump_mask(k->ctx_mask, j);
		json_str(j, "entry", *entry ? entry : NULL);
		json_str(j, "body", *body ? body : NULL);
		json_hexbytes(j, "hash", k->hash, sizeof(k->hash));
		json_close(j, '}');
		return;
	}
	printf("hook %s: %s (%s)", prog, spec, kind);
	if (form) {
		printf(", %s entry, ctx", form);
		dump_mask(k->ctx_mask, NULL);
		puts(k->ctx_mask ? "" : " unused");
	} else {
		puts(", C-ABI form only");
	}
}

static void dump_hooks(const struct hookfile *h, struct json *j)
{
	if (j)
		json_open(j, "hooks", '[');
	for (size_t i = 0; i < h->object.n_hooks; i++)
		dump_hook(h, i, j);
	if (j)
		json_close(j, ']');
}

static void dump_stamp(const struct hookfile *h, struct json *j)
{
	const struct objfmt_stamp *s = &h->stamp;
	bool verified = s->verdict == VERDICT_VERIFIED;

	if (!j) {
		fputs("stamp ", stdout);
		for (size_t i = 0; i < sizeof(s->hash); i++)
			printf("%02x", s->hash[i]);
		printf("\n%s (rules %u), rt ABI %u, %.32s, %.32s, %.32s\n",
		       verified ? "verified" : "NOT VERIFIED", s->verifier, s->rt_abi, s->target,
		       s->cpu, s->compiler);
		return;
	}
	json_open(j, "stamp", '{');
	json_hexbytes(j, "hash", s->hash, sizeof(s->hash));
	json_bool(j, "verified", verified);
	json_u64(j, "verifier", s->verifier);
	json_u64(j, "rt_abi", s->rt_abi);
	json_strn(j, "target", s->target, strnlen(s->target, sizeof(s->target)));
	json_strn(j, "cpu", s->cpu, strnlen(s->cpu, sizeof(s->cpu)));
	json_strn(j, "compiler", s->compiler, strnlen(s->compiler, sizeof(s->compiler)));
	json_close(j, '}');
}

static void asm_line(void *arg, size_t off, size_t n, const char *text)
{
	struct json *j = arg;

	(void)n;
	if (!j) {
		printf("%6zx: %s\n", off, text);
		return;
	}
	json_open(j, NULL, '{');
	json_u64(j, "off", off);
	json_str(j, "text", text);
	json_close(j, '}');
}

static int dump_asm(const struct hookfile *h, struct json *j, struct diags *dg)
{
	char triple[sizeof(h->stamp.target) + 1] = { 0 };
	int r = 0;

	memcpy(triple, h->stamp.target, sizeof(h->stamp.target));
	if (j)
		json_open(j, "code", '[');
	for (size_t i = 1; i < h->n_sh && r >= 0; i++) {
		const Elf64_Shdr *sh = &h->sh[i];
		const void *p = bytes_at(h->file, sh->sh_offset, sh->sh_size);

		if (!(sh->sh_flags & SHF_EXECINSTR) || !sh->sh_size || !p)
			continue;
		if (j) {
			json_open(j, NULL, '{');
			json_str(j, "section", h->sh_name[i]);
			json_open(j, "insns", '[');
		} else {
			printf("%s:\n", h->sh_name[i]);
		}
		r = disasm(triple, (struct bytes){ p, sh->sh_size }, asm_line, j, dg);
		if (j) {
			json_close(j, ']');
			json_close(j, '}');
		}
	}
	if (j)
		json_close(j, ']');
	return r;
}

static int dump_object(const struct hookfile *h, unsigned what, struct json *j, struct diags *dg)
{
	if (what & HOOKS)
		dump_hooks(h, j);
	if (what & MAPS)
		dump_maps(h, j);
	if (what & STAMP)
		dump_stamp(h, j);
	return what & ASM ? dump_asm(h, j, dg) : 0;
}

static int dump_ir(struct front *f, struct json *j, struct diags *dg)
{
	struct bytes text;
	int r = compile_ir(f->a, f->u, f->facts, &f->opts, &text, dg);

	progress_end();
	if (r >= 0 && j)
		json_strn(j, "ir", (const char *)text.p, text.n);
	else if (r >= 0)
		fwrite(text.p, 1, text.n, stdout);
	return r;
}

/* Only the instructions need no proof. */
static int dump_bpf_object(const struct opts *o, const char *path, unsigned what, struct json *j,
			   struct diags *dg)
{
	struct hookfile h;
	struct bytes obj;
	struct front f;
	int r = front_open(o, path, &f, dg);

	what = what ? what : BPF;
	if (r >= 0 && what & BPF) {
		progress_end();
		dump_bpf(f.u, j);
	}
	if (r >= 0 && what & ~(unsigned)BPF && (r = front_verify(&f, dg)) >= 0)
		progress_step("compiling %s", path);
	if (r >= 0 && what & IR)
		r = dump_ir(&f, j, dg);
	if (r >= 0 && what & (ASM | MAPS | HOOKS | STAMP)) {
		r = compile_object(f.a, f.u, f.facts, &f.opts, &obj, dg);
		progress_end();
		if (r >= 0 && (r = hookfile_open(f.a, path, obj, &h, dg)) >= 0)
			r = dump_object(&h, what, j, dg);
	}
	front_close(&f);
	return r;
}

static int dump_hook_object(const char *path, struct bytes file, unsigned what, struct json *j,
			    struct arena *a, struct diags *dg)
{
	struct hookfile h;
	int r;

	if (what & (BPF | IR))
		return diag(dg, DIAG_U001, at_file(path), "--bpf and --ir are for BPF objects");
	if ((r = hookfile_open(a, path, file, &h, dg)) < 0)
		return r;
	return dump_object(&h, what ? what : HOOKS | MAPS | STAMP, j, dg);
}

int cmd_dump(const struct opts *o, struct diags *dg)
{
	struct json j = json_on(stdout), *out = opts_has(o, "json") ? &j : NULL;
	struct arena *a = arena_new();
	struct bytes file;
	const char *path;
	int r;

	if ((r = front_file(o, &path, dg)) >= 0 && (r = file_read(a, path, &file, NULL, dg)) >= 0) {
		if (!out && !hookfile_is(file))
			progress_start();
		if (out) {
			json_open(out, NULL, '{');
			json_u64(out, "schema", 1);
		}
		if (hookfile_is(file))
			r = dump_hook_object(path, file, wanted(o), out, a, dg);
		else
			r = dump_bpf_object(o, path, wanted(o), out, dg);
		if (out)
			json_close(out, '}');
	}
	arena_free(a);
	return r;
}
