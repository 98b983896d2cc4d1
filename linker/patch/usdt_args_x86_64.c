/* SPDX-License-Identifier: MIT
 *
 * usdt_args_x86_64.c - the arguments of a probe, as the compiler wrote them:
 *
 *     [-]N[f]@OPERAND ...     N bytes, - signed, f floating point (its bits are delivered)
 *
 *     %reg   %xmmN   $number   $symbol   disp(base,index,scale)   symbol+disp(%rip)   %fs:...
 *
 * where disp and the addresses are sums of numbers and symbols.  What struct pt_regs and one
 * addition can express becomes that; for the rest the trampoline computes a word. */
#include "usdt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hooks.h"

struct parser {
	struct arena *a;
	const struct image *im;
	uint64_t vaddr;		/* of the probe */
	struct usdt_spec *out;
	const char *why;
};

static const char *const unknown = "an argument of unknown form";

/* ---- registers ---- */

struct reg_name {
	char    text[6];
	uint8_t field, bytes_up;	/* %ah lies one byte up in rax */
};

static const struct reg_name reg_names[] = {
	{ "rax", CTX_AX, 0 }, { "eax", CTX_AX, 0 }, { "ax", CTX_AX, 0 }, { "al", CTX_AX, 0 }, { "ah", CTX_AX, 1 },
	{ "rbx", CTX_BX, 0 }, { "ebx", CTX_BX, 0 }, { "bx", CTX_BX, 0 }, { "bl", CTX_BX, 0 }, { "bh", CTX_BX, 1 },
	{ "rcx", CTX_CX, 0 }, { "ecx", CTX_CX, 0 }, { "cx", CTX_CX, 0 }, { "cl", CTX_CX, 0 }, { "ch", CTX_CX, 1 },
	{ "rdx", CTX_DX, 0 }, { "edx", CTX_DX, 0 }, { "dx", CTX_DX, 0 }, { "dl", CTX_DX, 0 }, { "dh", CTX_DX, 1 },
	{ "rsi", CTX_SI, 0 }, { "esi", CTX_SI, 0 }, { "si", CTX_SI, 0 }, { "sil", CTX_SI, 0 },
	{ "rdi", CTX_DI, 0 }, { "edi", CTX_DI, 0 }, { "di", CTX_DI, 0 }, { "dil", CTX_DI, 0 },
	{ "rbp", CTX_BP, 0 }, { "ebp", CTX_BP, 0 }, { "bp", CTX_BP, 0 }, { "bpl", CTX_BP, 0 },
	{ "rsp", CTX_SP, 0 }, { "esp", CTX_SP, 0 }, { "sp", CTX_SP, 0 }, { "spl", CTX_SP, 0 },
	{ "rip", CTX_IP, 0 }, { "eip", CTX_IP, 0 },
};
/* r8 to r15 with d, w, b or (in older tools) l behind */
static const uint8_t high_field[] = { CTX_R8, CTX_R9, CTX_R10, CTX_R11, CTX_R12, CTX_R13, CTX_R14, CTX_R15 };

static bool find_reg(const char *s, size_t n, struct reg_name *out)
{
	char *end;
	unsigned long k;

	for (size_t i = 0; i < sizeof(reg_names) / sizeof(reg_names[0]); i++)
		if (strlen(reg_names[i].text) == n && !memcmp(reg_names[i].text, s, n)) {
			*out = reg_names[i];
			return true;
		}
	if (n < 2 || *s != 'r' || s[1] < '1' || s[1] > '9')
		return false;
	k = strtoul(s + 1, &end, 10);
	if (k < 8 || k > 15 || (end != s + n && (end + 1 != s + n || !strchr("dwbl", *end))))
		return false;
	*out = (struct reg_name){ "", high_field[k - 8], 0 };
	return true;
}

/* %name at *s; *s moves behind it. */
static bool take_reg(const char **s, struct reg_name *out)
{
	size_t n;

	if (**s != '%')
		return false;
	n = strspn(*s + 1, "abcdefghijklmnopqrstuvwxyz0123456789");
	if (!find_reg(*s + 1, n, out))
		return false;
	*s += 1 + n;
	return true;
}

/* ---- symbols and sums ---- */

/* The address of a symbol with that name, of whatever kind: the .symtab, or what is
 * exported.  Local symbols of one name at several addresses are none. */
static const char *find_symbol(const struct image *im, const char *name, uint64_t *vaddr)
{
	bool found = false;

	for (size_t i = 1; i < im->n_sh; i++) {
		const Elf64_Shdr *sh = &im->sh[i];
		const Elf64_Shdr *link = sh->sh_link < im->n_sh ? &im->sh[sh->sh_link] : NULL;
		struct bytes tab = { bytes_at(im->file, sh->sh_offset, sh->sh_size), sh->sh_size }, str;
		Elf64_Sym y;

		if ((sh->sh_type != SHT_SYMTAB && sh->sh_type != SHT_DYNSYM) || !link || !tab.p)
			continue;
		str = (struct bytes){ bytes_at(im->file, link->sh_offset, link->sh_size), link->sh_size };
		for (uint64_t off = sizeof(y); str.p && bytes_get(tab, off, &y, sizeof(y)); off += sizeof(y)) {
			const char *s = y.st_shndx != SHN_UNDEF ? bytes_str(str, y.st_name) : NULL;
			size_t n = s ? strcspn(s, "@") : 0;

			if (!s || strncmp(s, name, n) || name[n])
				continue;
			if (ELF64_ST_TYPE(y.st_info) == STT_TLS)
				return "an argument that is a thread-local symbol";
			if (found && *vaddr != y.st_value)
				return "an argument that names one of several symbols";
			*vaddr = y.st_value;
			found = true;
		}
	}
	return found ? NULL : "an argument that names a symbol which this file does not have";
}

struct sum {
	uint64_t value;
	bool any, has_symbol;
};

static bool symbol_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
	       c == '.' || c == '$' || c == '@';
}

static bool take_term(struct parser *p, const char **s, struct sum *out, bool minus)
{
	uint64_t v = 0;
	char *end;

	if (**s >= '0' && **s <= '9') {
		errno = 0;
		v = strtoull(*s, &end, 0);
		if (errno)
			return false;
	} else {
		for (end = (char *)(uintptr_t)*s; symbol_char(*end); end++)
			;
		if (end == *s || minus)
			return false;
		p->why = find_symbol(p->im, arena_strndup(p->a, *s, (size_t)(end - *s)), &v);
		if (p->why)
			return false;
		out->has_symbol = true;
	}
	out->value += minus ? -v : v;
	out->any = true;
	*s = end;
	return true;
}

/* number, symbol, symbol+8, -8+symbol, ...; may be empty. */
static bool take_sum(struct parser *p, const char **s, struct sum *out)
{
	*out = (struct sum){ 0 };
	while (**s && **s != '(') {
		bool minus = **s == '-';

		if (minus || **s == '+')
			(*s)++;
		else if (out->any)
			return false;
		if (!take_term(p, s, out, minus))
			return false;
	}
	return true;
}

/* ---- operands ---- */

static int16_t field_off(uint8_t field) { return (int16_t)(8 * field); }

/* One more word behind the frame; returns its place in the context. */
static int16_t add_word(struct parser *p, struct usdt_word w)
{
	p->out->word[p->out->n_word] = w;
	return field_off((uint8_t)(CTX_FRAME_WORDS + p->out->n_word++));
}

struct memory {
	struct sum disp;
	uint8_t base, index, shift;
	bool    fs;
};

static bool take_index(const char **s, struct memory *m)
{
	static const char scales[] = "1248";
	struct reg_name r;

	(*s)++;
	if (!take_reg(s, &r) || r.bytes_up || r.field == CTX_IP || r.field == CTX_SP)
		return false;
	m->index = r.field;
	if (**s == ',') {
		const char *at = (*s)[1] ? strchr(scales, (*s)[1]) : NULL;

		if (!at)
			return false;
		m->shift = (uint8_t)(at - scales);
		*s += 2;
	}
	return true;
}

static bool take_memory(struct parser *p, const char *s, struct memory *m)
{
	struct reg_name r;

	*m = (struct memory){ .base = USDT_NO_FIELD, .index = USDT_NO_FIELD };
	m->fs = !strncmp(s, "%fs:", 4);
	s += m->fs ? 4 : 0;
	if (!take_sum(p, &s, &m->disp))
		return false;
	if (!*s)
		return m->disp.any;
	s++;
	if (*s == '%') {
		if (!take_reg(&s, &r) || r.bytes_up)
			return false;
		m->base = r.field;
	}
	if (*s == ',' && !take_index(&s, m))
		return false;
	return !strcmp(s, ")") && (m->base != USDT_NO_FIELD || m->index != USDT_NO_FIELD);
}

/* Addresses of the file are fixed in what was linked for one address only; elsewhere they
 * have a fixed distance from the probe, whose address the context holds. */
static bool read_memory(struct parser *p, const char *s, struct usdt_arg *a)
{
	bool fixed = p->im->kind == IMAGE_EXEC || p->im->kind == IMAGE_STATIC;
	struct memory m;

	if (!take_memory(p, s, &m))
		return false;
	a->type = USDT_ARG_REG_DEREF;
	a->val_off = m.disp.value;
	if (m.base == CTX_IP || (m.base == USDT_NO_FIELD && m.index == USDT_NO_FIELD && !m.fs)) {
		if (m.index != USDT_NO_FIELD || m.fs)
			return false;
		a->reg_off = field_off(CTX_IP);
		/* sym(%rip) is the symbol; 8(%rip) counts from the next instruction,
		 * which behind the nop of a probe is not that of the operand. */
		if (m.base == CTX_IP && !m.disp.has_symbol)
			return false;
		a->val_off -= p->vaddr;
		return true;
	}
	if (m.disp.has_symbol && !fixed)
		return false;
	if (m.index == USDT_NO_FIELD && !m.fs)
		a->reg_off = field_off(m.base);
	else
		a->reg_off = add_word(p, (struct usdt_word){ m.base, m.index, m.shift, m.fs, USDT_NO_FIELD });
	return true;
}

static bool read_constant(struct parser *p, const char *s, struct usdt_arg *a)
{
	bool fixed = p->im->kind == IMAGE_EXEC || p->im->kind == IMAGE_STATIC;
	struct sum v;

	if (!take_sum(p, &s, &v) || *s || !v.any || (v.has_symbol && !fixed))
		return false;
	a->type = USDT_ARG_CONST;
	a->val_off = v.value;
	return true;
}

static bool read_operand(struct parser *p, const char *s, struct usdt_arg *a)
{
	struct reg_name r;
	const char *at = s;
	char *end;
	unsigned long k;

	if (*s == '$')
		return read_constant(p, s + 1, a);
	if (!strncmp(s, "%xmm", 4) && s[4] >= '0' && s[4] <= '9') {
		k = strtoul(s + 4, &end, 10);
		if (*end || k > 15)
			return false;
		a->type = USDT_ARG_REG;
		a->reg_off = add_word(p, (struct usdt_word){ USDT_NO_FIELD, USDT_NO_FIELD, 0, false, (uint8_t)k });
		return true;
	}
	if (take_reg(&at, &r) && !*at) {
		a->type = USDT_ARG_REG;
		a->reg_off = (int16_t)(field_off(r.field) + r.bytes_up);
		return true;
	}
	return read_memory(p, s, a);
}

static bool read_arg(struct parser *p, const char *s, struct usdt_arg *a)
{
	char *end;
	long n = strtol(s, &end, 10);

	if (end == s)
		return false;
	a->is_signed = n < 0;
	n = n < 0 ? -n : n;
	if (*end == 'f')
		end++;
	if (*end != '@' || (n != 1 && n != 2 && n != 4 && n != 8))
		return false;
	a->bitshift = (uint8_t)(64 - 8 * n);
	return read_operand(p, end + 1, a);
}

/* The end of the argument at s: a space that is in no parentheses. */
static const char *end_of_arg(const char *s)
{
	for (int depth = 0; *s && (*s != ' ' || depth); s++)
		depth += *s == '(' ? 1 : *s == ')' ? -1 : 0;
	return s;
}

/* Without its spaces. */
static char *copy_arg(struct arena *a, const char *s, const char *end)
{
	char *copy = arena_strndup(a, s, (size_t)(end - s)), *to = copy;

	for (const char *c = copy; *c; c++)
		if (*c != ' ')
			*to++ = *c;
	*to = '\0';
	return copy;
}

const char *usdt_parse_args(struct arena *a, const struct image *im, uint64_t vaddr,
			    const char *text, struct usdt_spec *out)
{
	struct parser p = { a, im, vaddr, out, NULL };

	*out = (struct usdt_spec){ .n_arg = 0 };
	for (const char *s = text + strspn(text, " "), *end; *s; s = end + strspn(end, " ")) {
		const char *arg;

		end = end_of_arg(s);
		arg = copy_arg(a, s, end);
		if (out->n_arg == USDT_ARGS)
			return "more than 12 arguments";
		if (!read_arg(&p, arg, &out->arg[out->n_arg]))
			return arena_printf(a, "%s: %s", p.why ? p.why : unknown, arg);
		out->n_arg++;
	}
	return NULL;
}
