// SPDX-License-Identifier: MIT
#include "oracle.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <cerrno>
#include <cstdarg>
#include <cstring>
#include <dlfcn.h>
#include <map>
#include <sstream>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

/* Stands in for the kernel: maps and programs are empty files, all is accepted. */
struct StandIn {
	std::map<int, std::string> value; /* of an array's element 0, by fd */
	long bpf(int cmd, union bpf_attr *a)
	{
		int fd;
		switch (cmd) {
		case BPF_MAP_CREATE:
			fd = memfd_create("map", MFD_CLOEXEC);
			if (fd >= 0 && a->map_type == BPF_MAP_TYPE_ARRAY)
				value[fd] = std::string(a->value_size, 0);
			return fd;
		case BPF_PROG_LOAD:
		case BPF_BTF_LOAD: return memfd_create("object", MFD_CLOEXEC);
		case BPF_MAP_UPDATE_ELEM:
			if (value.count(a->map_fd) && !*(uint32_t *)(uintptr_t)a->key)
				memcpy(&value[a->map_fd][0], (void *)(uintptr_t)a->value,
				       value[a->map_fd].size());
			return 0;
		case BPF_MAP_LOOKUP_ELEM:
			memcpy((void *)(uintptr_t)a->value, value[a->map_fd].data(),
			       value[a->map_fd].size());
			return 0;
		case BPF_MAP_FREEZE: return 0;
		default: errno = EINVAL; return -1;
		}
	}
};

StandIn *stand_in_now;

std::string log_text;

int keep_log(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	char line[512];
	vsnprintf(line, sizeof(line), fmt, ap);
	if (level == LIBBPF_WARN)
		log_text += line;
	return 0;
}

/* "obj.rodata" -> ".rodata": libbpf prefixes data maps of classic names */
std::string plain_name(const struct bpf_map *m)
{
	std::string n = bpf_map__name(m);
	size_t dot = n.find('.');
	return bpf_map__is_internal(m) && dot != std::string::npos ? n.substr(dot) : n;
}

/* A template of a map of maps has no name of its own in libbpf. */
const struct unit_map *map_of(const Relocated &r, const struct bpf_map *m)
{
	return r.map(plain_name(m));
}

std::string diff_map(const Relocated &r, const struct bpf_map *m)
{
	std::ostringstream os;
	const struct unit_map *u = map_of(r, m);
	if (!u)
		return std::string("no map ") + bpf_map__name(m) + "\n";
#define SAME(what_, ours_, theirs_) \
	do { \
		if ((uint64_t)(ours_) != (uint64_t)(theirs_)) \
			os << u->name << ": " what_ " " << (uint64_t)(ours_) << ", libbpf " \
			   << (uint64_t)(theirs_) << "\n"; \
	} while (0)
	SAME("type", u->type, bpf_map__type(m));
	SAME("key_size", u->key_size, bpf_map__key_size(m));
	SAME("value_size", u->value_size, bpf_map__value_size(m));
	if (u->type != BPF_MAP_TYPE_PERF_EVENT_ARRAY)
		SAME("max_entries", u->max_entries, bpf_map__max_entries(m));
	SAME("flags", u->flags, bpf_map__map_flags(m));
	SAME("map_extra", u->map_extra, bpf_map__map_extra(m));
	if (bpf_map__btf_value_type_id(m)) /* libbpf clears the ids for some kinds */
		SAME("value_btf_id", u->value_btf_id, bpf_map__btf_value_type_id(m));
	if (bpf_map__btf_key_type_id(m))
		SAME("key_btf_id", u->key_btf_id, bpf_map__btf_key_type_id(m));
#undef SAME
	if (u->init.n) {
		std::string v(u->init.n, 0);
		uint32_t zero = 0;
		if (bpf_map_lookup_elem(bpf_map__fd(m), &zero, &v[0]))
			os << u->name << ": libbpf's map has no element\n";
		for (size_t i = 0; i < v.size(); i++)
			if ((uint8_t)v[i] != u->init.p[i])
				os << u->name << ": byte " << i << " is " << (int)u->init.p[i]
				   << ", libbpf " << (int)(uint8_t)v[i] << "\n";
	}
	return os.str();
}

/* Sections of variables as completed from the ELF: sizes, places, linkage. */
std::string diff_btf(const struct btf *ours, const struct btf *theirs)
{
	std::ostringstream os;
	for (uint32_t id = 1; ours && id < btf__type_cnt(ours); id++) {
		const struct btf_type *a = btf__type_by_id(ours, id),
				      *b = btf__type_by_id(theirs, id);
		std::string name = btf__name_by_offset(ours, a->name_off);
		if (!btf_is_datasec(a) || name == ".ksyms")
			continue;
		if (!b || !btf_is_datasec(b) || a->size != b->size || btf_vlen(a) != btf_vlen(b)) {
			os << "BTF of " << name << ": " << a->size << " bytes\n";
			continue;
		}
		for (int i = 0; i < btf_vlen(a); i++) {
			const struct btf_var_secinfo *v = btf_var_secinfos(a) + i,
						     *w = btf_var_secinfos(b) + i;
			const struct btf_type *vt = btf__type_by_id(ours, v->type);
			if (memcmp(v, w, sizeof(*v)) ||
			    btf_var(vt)->linkage !=
				    btf_var(btf__type_by_id(theirs, w->type))->linkage)
				os << "BTF of " << name << ": variable " << i << " at " << v->offset
				   << ", libbpf " << w->offset << "\n";
		}
	}
	return os.str();
}

std::string diff_prog(const Relocated &r, const struct bpf_program *p,
		      const std::map<int, std::string> &by_fd)
{
	std::ostringstream os;
	const struct unit_prog *u = r.prog(bpf_program__name(p));
	const struct bpf_insn *in = bpf_program__insns(p);
	size_t n = bpf_program__insn_cnt(p);

	if (!u)
		return std::string("no program ") + bpf_program__name(p) + "\n";
	if (u->n_insn != n)
		os << u->name << ": " << u->n_insn << " slots, libbpf " << n << "\n";
	for (size_t i = 0; i < n && i < u->n_insn; i++) {
		struct bpfi a = u->insn[i], b;
		memcpy(&b, &in[i], sizeof(b));
		if (a.code == BPFI_LD_IMM64 && b.code == BPFI_LD_IMM64 && a.src == b.src &&
		    (a.src == BPFI_LD_MAP || a.src == BPFI_LD_MAP_VALUE)) {
			auto it = by_fd.find(b.imm);
			std::string ours = (uint32_t)a.imm < r.u->n_map ? r.u->map[a.imm].name
									: "?";
			std::string theirs = it == by_fd.end() ? "?" : it->second;
			if (ours != theirs)
				os << u->name << ":" << i << ": map " << ours << ", libbpf "
				   << theirs << "\n";
			a.imm = b.imm = 0;
		}
		if (a.code == BPFI_JMP_CALL && a.src == BPFI_CALL_LOCAL && b.imm == a.imm)
			b.off = a.off;
		if (memcmp(&a, &b, sizeof(a))) {
			char s[160];
			snprintf(s, sizeof(s),
				 ":%zu: %02x dst %d src %d off %d imm %d, libbpf %02x dst %d src "
				 "%d off %d imm %d\n",
				 i, a.code, a.dst, a.src, a.off, a.imm, b.code, b.dst, b.src, b.off,
				 b.imm);
			os << u->name << s;
		}
	}
	return os.str();
}

}

/* libbpf calls bpf() through this: the program's definition comes before the C library's. */
extern "C" long syscall(long nr, ...)
{
	static auto real = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
	long a[6];
	va_list ap;
	va_start(ap, nr);
	for (long &i : a)
		i = va_arg(ap, long);
	va_end(ap);
	if (nr == __NR_bpf && stand_in_now)
		return stand_in_now->bpf((int)a[0], (union bpf_attr *)a[1]);
	return real(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static bool may_use_bpf()
{
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "probe", 4, 4, 1, nullptr);
	if (fd >= 0)
		close(fd);
	return fd >= 0 && !geteuid();
}

std::string differs_from_libbpf(const Relocated &r, const std::string &path, const char *btf_path,
				bool stand_in)
{
	StandIn kernel;
	stand_in_now = stand_in || !may_use_bpf() ? &kernel : nullptr;
	log_text.clear();
	libbpf_print_fn_t old = libbpf_set_print(keep_log);
	LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = btf_path);
	struct bpf_object *obj = bpf_object__open_file(path.c_str(), &opts);
	if (!obj) {
		stand_in_now = nullptr;
		libbpf_set_print(old);
		return "libbpf cannot open it: " + log_text;
	}
	struct bpf_program *p;
	struct bpf_map *m;
	bpf_object__for_each_map(m, obj) if (bpf_map__pin_path(m))
		bpf_map__set_pin_path(m, nullptr);
	std::string out;
	if (bpf_object__load(obj)) {
		out = "libbpf cannot load it: " + log_text;
	} else {
		std::map<int, std::string> by_fd;
		bpf_object__for_each_map(m, obj)
		{
			by_fd[bpf_map__fd(m)] = plain_name(m);
			out += diff_map(r, m);
		}
		bpf_object__for_each_program(p, obj) out += diff_prog(r, p, by_fd);
		out += diff_btf(r.u->btf, bpf_object__btf(obj));
	}
	bpf_object__close(obj);
	stand_in_now = nullptr;
	libbpf_set_print(old);
	return out;
}

std::string libbpf_refuses(const std::string &path, const char *btf_path)
{
	StandIn kernel;
	stand_in_now = &kernel;
	log_text.clear();
	libbpf_print_fn_t old = libbpf_set_print(keep_log);
	LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = btf_path);
	struct bpf_object *obj = bpf_object__open_file(path.c_str(), &opts);
	bool refused = !obj || bpf_object__load(obj);
	bpf_object__close(obj);
	stand_in_now = nullptr;
	libbpf_set_print(old);
	return refused ? "refused: " + log_text : "";
}
