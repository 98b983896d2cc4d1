// SPDX-License-Identifier: MIT
#include "oracle.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cerrno>
#include <cstdarg>
#include <cstring>
#include <map>
#include <sstream>
#include <unistd.h>

namespace {

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
#define SAME(what_, ours_, theirs_)                                               \
	do {                                                                      \
		if ((uint64_t)(ours_) != (uint64_t)(theirs_))                     \
			os << u->name << ": " what_ " " << (uint64_t)(ours_)      \
			   << ", libbpf " << (uint64_t)(theirs_) << "\n";         \
	} while (0)
	SAME("type", u->type, bpf_map__type(m));
	SAME("key_size", u->key_size, bpf_map__key_size(m));
	SAME("value_size", u->value_size, bpf_map__value_size(m));
	if (u->type != BPF_MAP_TYPE_PERF_EVENT_ARRAY)
		SAME("max_entries", u->max_entries, bpf_map__max_entries(m));
	SAME("flags", u->flags, bpf_map__map_flags(m));
	SAME("map_extra", u->map_extra, bpf_map__map_extra(m));
	if (bpf_map__btf_value_type_id(m))	/* libbpf clears the ids for some kinds */
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
			std::string ours = (uint32_t)a.imm < r.u->n_map ? r.u->map[a.imm].name : "?";
			std::string theirs = it == by_fd.end() ? "?" : it->second;
			if (ours != theirs)
				os << u->name << ":" << i << ": map " << ours << ", libbpf " << theirs << "\n";
			a.imm = b.imm = 0;
		}
		if (a.code == BPFI_JMP_CALL && a.src == BPFI_CALL_LOCAL && b.imm == a.imm)
			b.off = a.off;
		if (memcmp(&a, &b, sizeof(a))) {
			char s[160];
			snprintf(s, sizeof(s),
				 ":%zu: %02x dst %d src %d off %d imm %d, libbpf %02x dst %d src %d off %d imm %d\n",
				 i, a.code, a.dst, a.src, a.off, a.imm, b.code, b.dst, b.src, b.off, b.imm);
			os << u->name << s;
		}
	}
	return os.str();
}

}

std::string differs_from_libbpf(const Relocated &r, const std::string &path, const char *btf_path)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "probe", 4, 4, 1, nullptr);
	if (fd < 0)
		return std::string("skip: bpf(): ") + strerror(errno);
	close(fd);
	log_text.clear();
	libbpf_print_fn_t old = libbpf_set_print(keep_log);
	LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = btf_path);
	struct bpf_object *obj = bpf_object__open_file(path.c_str(), &opts);
	if (!obj) {
		libbpf_set_print(old);
		return "libbpf cannot open it: " + log_text;
	}
	struct bpf_program *p;
	struct bpf_map *m;
	bpf_object__for_each_map(m, obj)
		if (bpf_map__pin_path(m))
			bpf_map__set_pin_path(m, nullptr);
	std::string out;
	if (bpf_object__load(obj)) {
		out = "libbpf cannot load it: " + log_text;
	} else {
		std::map<int, std::string> by_fd;
		bpf_object__for_each_map(m, obj) {
			by_fd[bpf_map__fd(m)] = plain_name(m);
			out += diff_map(r, m);
		}
		bpf_object__for_each_program(p, obj)
			out += diff_prog(r, p, by_fd);
	}
	bpf_object__close(obj);
	libbpf_set_print(old);
	return out;
}
