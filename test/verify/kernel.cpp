// SPDX-License-Identifier: MIT
#include "kernel.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <unistd.h>

kernel_oracle::kernel_oracle() : ok(true)
{
	btf_fd = make_btf();
	for (auto &m : gen_maps) {
		LIBBPF_OPTS(bpf_map_create_opts, o, .map_flags = m.flags);
		if (m.lock)
			o.btf_fd = (uint32_t)btf_fd, o.btf_key_type_id = m.key == 8 ? btf_u64 : btf_u32,
			o.btf_value_type_id = btf_locked;
		if (m.inner >= 0)
			o.inner_map_fd = (uint32_t)maps[(size_t)m.inner];
		int fd = bpf_map_create((enum bpf_map_type)m.type, m.name, m.key, m.value, m.max, &o);
		if (fd < 0)
			ok = false;
		if (fd >= 0 && !m.init.empty()) {
			uint32_t zero = 0;
			if (bpf_map_update_elem(fd, &zero, m.init.data(), 0) || bpf_map_freeze(fd))
				ok = false;
		}
		for (uint32_t key : {GEN_A, GEN_B})
			if (m.inner >= 0 && bpf_map_update_elem(fd, &key, &maps[key == GEN_A ? GEN_IN_A : GEN_IN_B], 0))
				ok = false;
		maps.push_back(fd);
	}
	static struct btf *vmlinux = btf__load_vmlinux_btf();	// read once
	for (auto name : gen_kfuncs)
		kfuncs.push_back(vmlinux ? btf__find_by_name_kind(vmlinux, name, BTF_KIND_FUNC) : -1);
	for (int &fd : progs)
		fd = bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "progs", 4, 4, 4, nullptr);
	if (ok) {
		gen_prog p = {PROG_KPROBE, {}, 0};
		p.insn = {{BPFI_ALU64 | BPFI_MOV, 0, 0, 0, 0}, {BPFI_JMP_EXIT, 0, 0, 0, 0}};
		int fd = load(p, nullptr);
		ok = fd >= 0;
		if (ok)
			close(fd);
	}
}

// int global(int), int static(int); struct locked { u64; struct bpf_spin_lock; u32; u64; }
int kernel_oracle::make_btf()
{
	struct btf *b = btf__new_empty();
	int fd = -1, number, proto;
	uint32_t n;

	if (!b)
		return -1;
	number = btf__add_int(b, "int", 4, BTF_INT_SIGNED);
	proto = btf__add_func_proto(b, number);
	btf__add_func_param(b, "a", number);
	btf_global = (uint32_t)btf__add_func(b, "global_function", BTF_FUNC_GLOBAL, proto);
	btf_static = (uint32_t)btf__add_func(b, "static_function", BTF_FUNC_STATIC, proto);
	btf_u32 = (uint32_t)btf__add_int(b, "u32", 4, 0);
	btf_u64 = (uint32_t)btf__add_int(b, "u64", 8, 0);
	int lock = btf__add_struct(b, "bpf_spin_lock", 4);
	btf__add_field(b, "val", (int)btf_u32, 0, 0);
	btf_locked = (uint32_t)btf__add_struct(b, "locked", 24);
	btf__add_field(b, "a", (int)btf_u64, 0, 0);
	btf__add_field(b, "lock", lock, 8 * GEN_LOCK_OFF, 0);
	btf__add_field(b, "b", (int)btf_u32, 96, 0);
	btf__add_field(b, "c", (int)btf_u64, 128, 0);
	const void *raw = btf__raw_data(b, &n);
	if (raw)
		fd = bpf_btf_load(raw, n, nullptr);
	btf__free(b);
	return fd;
}

kernel_oracle::~kernel_oracle()
{
	if (btf_fd >= 0)
		close(btf_fd);
	for (int fd : maps)
		if (fd >= 0)
			close(fd);
	for (int fd : progs)
		if (fd >= 0)
			close(fd);
}

static enum bpf_prog_type kernel_type(enum prog_type t)
{
	switch (t) {
	case PROG_TRACEPOINT: return BPF_PROG_TYPE_TRACEPOINT;
	case PROG_RAW_TRACEPOINT: return BPF_PROG_TYPE_RAW_TRACEPOINT;
	case PROG_PERF_EVENT: return BPF_PROG_TYPE_PERF_EVENT;
	case PROG_XDP: return BPF_PROG_TYPE_XDP;
	case PROG_SOCKET_FILTER: return BPF_PROG_TYPE_SOCKET_FILTER;
	default: return BPF_PROG_TYPE_KPROBE;
	}
}

int kernel_oracle::load(const gen_prog &p, std::string *log) const
{
	static_assert(sizeof(struct bpf_insn) == sizeof(bpfi));
	std::vector<struct bpf_insn> insn(p.insn.size());
	memcpy(insn.data(), p.insn.data(), p.insn.size() * sizeof(bpfi));
	for (size_t i = 0; i < insn.size(); i++) {
		if (insn[i].code == BPFI_JMP_CALL && insn[i].src_reg == BPFI_CALL_KFUNC)
			insn[i].imm = insn[i].imm >= 0 && insn[i].imm < (int)kfuncs.size() ? kfuncs[(size_t)insn[i].imm] : -1;
		if (insn[i].code != BPFI_LD_IMM64)
			continue;
		if ((insn[i].src_reg == 1 || insn[i].src_reg == 2) && insn[i].imm >= 0 &&
		    insn[i].imm < (int)maps.size())
			insn[i].imm = insn[i].imm == GEN_PROGS ? progs[p.type] : maps[(size_t)insn[i].imm];
		else if (insn[i].src_reg == 1 || insn[i].src_reg == 2)
			insn[i].imm = -1;	// no such map
		i++;
	}
	static char buf[1 << 20];
	LIBBPF_OPTS(bpf_prog_load_opts, o);
	std::vector<struct bpf_func_info> info;
	if (btf_fd >= 0 && !callback_starts(p).empty()) {	// callbacks must have types
		for (uint32_t at : function_starts(p))
			info.push_back({at, at ? btf_static : btf_global});
		o.prog_btf_fd = (uint32_t)btf_fd;
		o.func_info = info.data(), o.func_info_cnt = (uint32_t)info.size();
		o.func_info_rec_size = sizeof(info[0]);
	}
	if (log) {
		o.log_level = 1;
		o.log_buf = buf;
		o.log_size = sizeof(buf);
		buf[0] = 0;
	}
	int fd = bpf_prog_load(kernel_type(p.type), "oracle", "GPL", insn.data(), insn.size(), &o);
	if (fd < 0)
		fd = -errno;
	if (log)
		*log = buf;
	return fd;
}

// The line before the statistics, not one that shows a state or an instruction.
std::string last_line(const std::string &log)
{
	std::vector<std::string> lines;
	size_t at = 0, end;
	while ((end = log.find('\n', at)) != std::string::npos) {
		lines.push_back(log.substr(at, end - at));
		at = end + 1;
	}
	while (!lines.empty() && (lines.back().rfind("processed ", 0) == 0 || lines.back().empty() ||
				  lines.back().rfind("verification time", 0) == 0 ||
				  lines.back().rfind("stack depth", 0) == 0 ||
				  lines.back().rfind("mark_precise", 0) == 0))
		lines.pop_back();
	return lines.empty() ? "" : lines.back();
}

int64_t last_insn(const std::string &log)
{
	int64_t last = -1;
	for (size_t at = 0, end; (end = log.find('\n', at)) != std::string::npos; at = end + 1) {
		const char *line = log.c_str() + at;
		char *behind;
		long long n = strtoll(line, &behind, 10);	// "12: (85) call ...", "12: R0=...", "12: frame1: ..."
		if (behind > line && !strncmp(behind, ": (", 3) && isxdigit(behind[3]) && isxdigit(behind[4]) &&
		    behind[5] == ')')
			last = n;
	}
	return last;
}
