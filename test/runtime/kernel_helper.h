// SPDX-License-Identifier: MIT
// The oracle for helpers: a program of one call that the kernel itself runs (BPF_PROG_TEST_RUN),
// in this very process, over memory of which we have a copy.
#ifndef TEST_RUNTIME_KERNEL_HELPER_H
#define TEST_RUNTIME_KERNEL_HELPER_H

#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

struct KernelHelper {
	enum { MEM = 2048, STR = 256, R0 = 0 /* where r0 goes */, FREE = 64 };
	struct Arg {
		enum { NUMBER, AT, STRING, MAP } is;
		uint64_t v;	// the number, or the offset in mem
		std::string s = "";
	};
	static Arg number(uint64_t v) { return {Arg::NUMBER, v}; }
	static Arg at(uint32_t off) { return {Arg::AT, off}; }
	static Arg map(int fd) { return {Arg::MAP, (uint64_t)fd}; }
	static Arg string(const std::string &s) { return {Arg::STRING, 0, s}; }

	uint8_t mem[MEM] = {};
	int error = 0;	// of bpf(), when call() returned false
	std::string log;

	// Runs helper `id`; true when the kernel did.  mem is what the program sees and leaves.
	bool call(int id, const std::vector<Arg> &args, uint64_t *r0,
		  uint32_t type = BPF_PROG_TYPE_RAW_TRACEPOINT)
	{
		int map = array(MEM, 0), str = -1, prog, r;
		std::vector<bpf_insn> p;
		uint8_t reg = 1;
		uint32_t zero = 0;

		if (map < 0)
			return fail(map);
		elem(BPF_MAP_UPDATE_ELEM, map, &zero, mem);
		for (auto &a : args) {
			if (a.is == Arg::NUMBER) {
				ld(p, reg, 0, (uint32_t)a.v, (uint32_t)(a.v >> 32));
			} else if (a.is == Arg::MAP) {
				ld(p, reg, BPF_PSEUDO_MAP_FD, (uint32_t)a.v, 0);
			} else if (a.is == Arg::AT) {
				ld(p, reg, BPF_PSEUDO_MAP_VALUE, (uint32_t)map, (uint32_t)a.v);
			} else {
				char text[STR] = {};
				memcpy(text, a.s.c_str(), std::min(a.s.size() + 1, sizeof(text)));
				str = array(STR, BPF_F_RDONLY_PROG);
				elem(BPF_MAP_UPDATE_ELEM, str, &zero, text);
				union bpf_attr f = {};
				f.map_fd = (uint32_t)str;
				syscall(SYS_bpf, BPF_MAP_FREEZE, &f, sizeof(f));
				ld(p, reg, BPF_PSEUDO_MAP_VALUE, (uint32_t)str, 0);
			}
			reg++;
		}
		p.push_back({BPF_JMP | BPF_CALL, 0, 0, 0, id});
		ld(p, 1, BPF_PSEUDO_MAP_VALUE, (uint32_t)map, R0);
		p.push_back({BPF_STX | BPF_MEM | BPF_DW, 1, 0, 0, 0});
		p.push_back({BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0});
		p.push_back({BPF_JMP | BPF_EXIT, 0, 0, 0, 0});
		prog = load(p, type);
		r = prog < 0 ? prog : run(prog, type);
		if (!r)
			elem(BPF_MAP_LOOKUP_ELEM, map, &zero, mem);
		memcpy(r0, mem + R0, 8);
		memset(mem + R0, 0, 8);
		for (int fd : {map, str, prog})
			if (fd >= 0)
				close(fd);
		return r ? fail(r) : true;
	}

	// Runs such a program as it is.  0 or -errno.
	int run_program(const std::vector<bpf_insn> &p, uint32_t type = BPF_PROG_TYPE_RAW_TRACEPOINT)
	{
		int prog = load(p, type), r = prog < 0 ? prog : run(prog, type);
		if (prog >= 0)
			close(prog);
		return r;
	}
	static void ld(std::vector<bpf_insn> &p, uint8_t reg, uint8_t src, uint32_t low, uint32_t high)
	{
		p.push_back({BPF_LD | BPF_IMM | BPF_DW, reg, src, 0, (int32_t)low});
		p.push_back({0, 0, 0, 0, (int32_t)high});
	}

private:
	bool fail(int e)
	{
		error = -e;
		return false;
	}
	static int sys(int cmd, union bpf_attr &a)
	{
		long r = syscall(SYS_bpf, cmd, &a, sizeof(a));
		return r < 0 ? -errno : (int)r;
	}
	static int array(uint32_t bytes, uint32_t flags)
	{
		union bpf_attr a = {};
		a.map_type = BPF_MAP_TYPE_ARRAY;
		a.key_size = 4;
		a.value_size = bytes;
		a.max_entries = 1;
		a.map_flags = flags;
		return sys(BPF_MAP_CREATE, a);
	}
	static void elem(int cmd, int fd, const void *key, void *value)
	{
		union bpf_attr a = {};
		a.map_fd = (uint32_t)fd;
		a.key = (uint64_t)(uintptr_t)key;
		a.value = (uint64_t)(uintptr_t)value;
		sys(cmd, a);
	}
	int load(const std::vector<bpf_insn> &p, uint32_t type)
	{
		static char text[1 << 15];
		union bpf_attr a = {};
		text[0] = 0;
		a.prog_type = type;
		a.insns = (uint64_t)(uintptr_t)p.data();
		a.insn_cnt = (uint32_t)p.size();
		a.license = (uint64_t)(uintptr_t)"GPL";
		a.log_buf = (uint64_t)(uintptr_t)text;
		a.log_size = sizeof(text);
		a.log_level = 1;
		int fd = sys(BPF_PROG_LOAD, a);
		log = text;
		return fd;
	}
	static int run(int prog, uint32_t type)
	{
		char packet[64] = {};
		union bpf_attr a = {};
		a.test.prog_fd = (uint32_t)prog;
		if (type != BPF_PROG_TYPE_RAW_TRACEPOINT) {
			a.test.data_in = (uint64_t)(uintptr_t)packet;
			a.test.data_size_in = sizeof(packet);
		}
		return sys(BPF_PROG_TEST_RUN, a);
	}
};

#endif
