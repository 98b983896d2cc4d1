/* SPDX-License-Identifier: MIT
 *
 * Values of __kconfig variables: CONFIG_* from the kernel's configuration file, LINUX_*
 * computed.  Rules of type and value are libbpf's. */
#include <errno.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <zlib.h>

#include "obj.h"

static int refuse(const struct obj *o, const struct obj_ext *x, const char *value, const char *why)
{
	return diag(o->dg, DIAG_R008, at_sec(o, ".kconfig", -1), "'%s' = %s: %s", x->name, value,
		    why);
}

static void *place_of(const struct obj *o, const struct obj_ext *x)
{
	return (uint8_t *)(uintptr_t)o->u->map[o->kconfig_map].init.p + x->off;
}

static int set_number(struct obj *o, struct obj_ext *x, uint64_t v, const char *value)
{
	const struct btf_type *t = btf__type_by_id(o->btf, x->type_id);
	unsigned bits = 8 * x->size;
	bool is_signed;

	if (!btf_is_int(t))
		return refuse(o, x, value, "needs a number type");
	is_signed = btf_int_encoding(t) & BTF_INT_SIGNED;
	if (btf_int_encoding(t) & BTF_INT_BOOL ? v > 1 :
	    bits < 64 && (is_signed ? v + (1ull << (bits - 1)) >= 1ull << bits : v >> bits))
		return refuse(o, x, value, "does not fit its type");
	memcpy(place_of(o, x), &v, x->size);
	x->found = true;
	return 0;
}

/* y, m or n: for bool, char and enum libbpf_tristate. */
static int set_tristate(struct obj *o, struct obj_ext *x, const char *value)
{
	const struct btf_type *t = btf__type_by_id(o->btf, x->type_id);
	uint64_t v = *value == 'y' ? 1 : *value == 'm' ? 2 : 0;	/* TRI_YES, TRI_MODULE, TRI_NO */

	if (btf_is_int(t) && btf_int_encoding(t) & BTF_INT_BOOL) {
		if (v == 2)
			return refuse(o, x, value, "needs enum libbpf_tristate or char");
	} else if (btf_is_int(t) && x->size == 1) {
		v = (unsigned char)*value;
	} else if (!btf_is_any_enum(t) ||
		   strcmp(btf_str(o->btf, t->name_off), "libbpf_tristate")) {
		return refuse(o, x, value, "needs bool, char or enum libbpf_tristate");
	}
	memcpy(place_of(o, x), &v, x->size);
	x->found = true;
	return 0;
}

/* "text" with its quotes; what is too long is cut, as libbpf does. */
static int set_string(struct obj *o, struct obj_ext *x, const char *value)
{
	size_t n = strlen(value);

	if (!btf_is_array(btf__type_by_id(o->btf, x->type_id)))
		return refuse(o, x, value, "needs an array of char");
	if (n < 2 || value[n - 1] != '"')
		return refuse(o, x, value, "no closing quote");
	n -= 2;
	if (n >= x->size)
		n = x->size - 1;
	memcpy(place_of(o, x), value + 1, n);
	x->found = true;
	return 0;
}

static int take_line(struct obj *o, char *line)
{
	struct obj_ext *x = NULL;
	char *value = strchr(line, '='), *end;
	uint64_t v;

	if (strncmp(line, "CONFIG_", 7) || !value)
		return 0;
	*value++ = '\0';
	value[strcspn(value, "\n")] = '\0';
	for (size_t i = 0; i < o->n_ext; i++)
		if (o->ext[i].kind == EXT_KCONFIG && !strcmp(o->ext[i].name, line))
			x = &o->ext[i];
	if (!x || x->found)
		return 0;
	if (*value == '"')
		return set_string(o, x, value);
	if (*value == 'y' || *value == 'm' || *value == 'n')
		return set_tristate(o, x, value);
	errno = 0;
	v = strtoull(value, &end, 0);
	if (errno || *end || end == value)
		return refuse(o, x, value, "not a number");
	return set_number(o, x, v, value);
}

static int read_config(struct obj *o)
{
	char line[4096], path[300];
	struct utsname uts;
	gzFile f = NULL;
	int err = 0;

	if (o->opts->kconfig_path) {
		f = gzopen(o->opts->kconfig_path, "re");
		if (!f)
			return diag(o->dg, DIAG_E001, at_file(o->opts->kconfig_path), "%s",
				    strerror(errno));
	} else if (!uname(&uts)) {
		snprintf(path, sizeof(path), "/boot/config-%s", uts.release);
		f = gzopen(path, "re");
		if (!f)
			f = gzopen("/proc/config.gz", "re");
	}
	if (!f)
		return 0;	/* weak ones are 0, the caller complains of strong ones */
	while (!err && gzgets(f, line, sizeof(line)))
		err = take_line(o, line);
	gzclose(f);
	return err;
}

/* The running kernel's version as KERNEL_VERSION() has it.  Debian's release is not it:
 * "6.1.0-37-amd64", with "Debian 6.1.140-1" in the version. */
static uint64_t kernel_version(void)
{
	unsigned major = 0, minor = 0, patch = 0;
	struct utsname uts;
	const char *debian;

	if (uname(&uts))
		return 0;
	debian = strstr(uts.version, "Debian ");
	if (!debian || sscanf(debian, "Debian %u.%u.%u", &major, &minor, &patch) != 3)
		if (sscanf(uts.release, "%u.%u.%u", &major, &minor, &patch) < 2)
			return 0;
	return (uint64_t)major << 16 | minor << 8 | (patch > 255 ? 255 : patch);
}

static int set_virtual(struct obj *o, struct obj_ext *x)
{
	if (!strcmp(x->name, "LINUX_KERNEL_VERSION"))
		return set_number(o, x, kernel_version(), "the kernel's version");
	/* Helpers read the cookie from the frame; kernels of 64-bit CPUs wrap system calls. */
	if (!strcmp(x->name, "LINUX_HAS_BPF_COOKIE") ||
	    !strcmp(x->name, "LINUX_HAS_SYSCALL_WRAPPER"))
		return set_number(o, x, 1, "1");
	return 0;
}

int obj_fill_kconfig(struct obj *o)
{
	bool need_file = false;
	int err = 0;

	for (size_t i = 0; i < o->n_ext && !err; i++) {
		struct obj_ext *x = &o->ext[i];

		if (x->kind != EXT_KCONFIG || x->found)
			continue;
		if (!strncmp(x->name, "CONFIG_", 7))
			need_file = true;
		else
			err = set_virtual(o, x);
	}
	if (!err && need_file)
		err = read_config(o);
	for (size_t i = 0; i < o->n_ext && !err; i++) {
		const struct obj_ext *x = &o->ext[i];

		if (x->kind != EXT_KCONFIG || x->found || x->weak)
			continue;
		err = diag(o->dg, DIAG_R008, at_sec(o, ".kconfig", -1), "'%s' has no value",
			   x->name);
		diag_more(o->dg, "declare it __weak, or give one with --set %s=VALUE", x->name);
	}
	return err;
}
