// SPDX-License-Identifier: MIT
#include "run.h"

#include <algorithm>
#include <bpf/bpf.h>
#include <csignal>
#include <cstring>
#include <map>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "compiler.h"
#include "load.h"
#include "oracle.h"
#include "rt_archive.h"
#include "rt_maps.h"

enum { PACKET_BYTES = 64, ETH_BYTES = 14, SKB_WORDS = 48, ZEROED_SLOTS = 20, PAGE_BYTES = 4096 };

// Those whose contents must be equal afterwards.
static const int compared_maps[] = {GEN_HASH, GEN_ARRAY, GEN_ARRAY1, GEN_LOCK_HASH, GEN_LOCK_ARRAY, GEN_IN_A, GEN_IN_B};

static bool deterministic(int32_t helper)
{
	switch (helper) {
	case HELPER_map_lookup_elem:
	case HELPER_map_update_elem:
	case HELPER_map_delete_elem:
	case HELPER_ringbuf_output:
	case HELPER_ringbuf_reserve:
	case HELPER_ringbuf_submit:
	case HELPER_ringbuf_discard:
	case HELPER_tail_call:
	case HELPER_dynptr_from_mem:
	case HELPER_dynptr_read:
	case HELPER_dynptr_write:
	case HELPER_dynptr_data:
	case HELPER_ringbuf_reserve_dynptr:
	case HELPER_ringbuf_submit_dynptr:
	case HELPER_ringbuf_discard_dynptr:
	case HELPER_loop:
	case HELPER_for_each_map_elem:
	case HELPER_spin_lock:
	case HELPER_spin_unlock:
		return true;
	}
	return false;
}

gen_prog repeatable(const gen_prog &p)
{
	std::vector<uint32_t> starts = function_starts(p);
	gen_prog out = p;
	auto moved = [&](int64_t at, bool is_start) {	// with zeroing in front of each function
		int64_t n = 0;
		for (uint32_t s : starts)
			n += is_start ? s < at : s <= at;
		return at + n * ZEROED_SLOTS;
	};

	out.insn.clear();
	for (size_t i = 0; i < p.insn.size(); i++) {
		bpfi in = p.insn[i];
		bool call = in.code == BPFI_JMP_CALL && in.src == BPFI_CALL_LOCAL;
		bool func = in.code == BPFI_LD_IMM64 && in.src == BPFI_LD_FUNC;
		if (std::find(starts.begin(), starts.end(), i) != starts.end())
			for (int s = 1; s <= ZEROED_SLOTS; s++)
				out.insn.push_back({BPFI_ST | BPFI_MEM | BPFI_DW, BPFI_R10, 0, (int16_t)(-8 * s), 0});
		if (call || func) {
			in.imm = (int32_t)(moved((int64_t)i + 1 + in.imm, true) - moved((int64_t)i, false) - 1);
		} else if (in.code == BPFI_JMP_CALL && in.src == BPFI_CALL_HELPER && !deterministic(in.imm)) {
			static const int32_t odd[] = {0, 1, -1, 40, 0x7fffffff, -14, 255, 12345678};
			in = {BPFI_ALU64 | BPFI_MOV | BPFI_K, 0, 0, 0, odd[(p.seed + i) % 8]};
		}
		out.insn.push_back(in);
		if (in.code == BPFI_LD_IMM64 && i + 1 < p.insn.size())
			out.insn.push_back(p.insn[++i]);
	}
	return out;
}

bool runnable(const gen_prog &p)
{
	if ((p.type != PROG_XDP && p.type != PROG_SOCKET_FILTER) || p.by_order)
		return false;
	for (auto &in : p.insn)		// how often may_goto goes is a matter of time
		if (p.mutated && in.code == BPFI_JMP_CALL && in.src == BPFI_CALL_KFUNC && in.imm == GEN_BITS_NEW)
			return false;	// bits of the memory behind
		else if (in.code == BPFI_MAY_GOTO || (BPFI_CLASS(in.code) == BPFI_LD && in.code != BPFI_LD_IMM64 && in.code))
			return false;
	return true;
}

std::string as_text(const run_result &r)
{
	char head[64];
	if (!r.ran)
		return "did not run: " + r.why + "\n";
	snprintf(head, sizeof(head), "r0 %#x\n", r.r0);
	return head + (r.packet.empty() ? "" : "packet " + r.packet + "\n") + r.maps;
}

static void fill_packet(uint64_t seed, uint8_t *p)
{
	std::mt19937_64 rnd(seed);
	for (int i = 0; i < PACKET_BYTES; i++)
		p[i] = (uint8_t)rnd();
	p[0] = p[1] = 2;	// unicast, not for a protocol that anybody looks at
	p[12] = 0x88, p[13] = 0xb5;
}

// ---- the kernel ----

static std::string kernel_maps(const kernel_oracle &k)
{
	std::string s;
	for (int i : compared_maps) {
		std::map<std::string, std::string> sorted;
		std::vector<uint8_t> key(gen_maps[(size_t)i].key), next(key), value(gen_maps[(size_t)i].value);
		bool first = true;
		while (!bpf_map_get_next_key(k.map_fd((size_t)i), first ? nullptr : key.data(), next.data())) {
			key = next, first = false;
			if (!bpf_map_lookup_elem(k.map_fd((size_t)i), key.data(), value.data()))
				sorted[bytes_text(key.data(), key.size())] = bytes_text(value.data(), value.size());
		}
		for (auto &e : sorted)
			s += std::string(gen_maps[(size_t)i].name) + " " + e.first + " = " + e.second + "\n";
	}
	return s;
}

static bool test_run(int fd, uint64_t seed, uint32_t *r0, std::string *packet)
{
	uint8_t in[PACKET_BYTES], after[PACKET_BYTES * 4];
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = in, .data_out = after, .data_size_in = PACKET_BYTES,
		    .data_size_out = sizeof(after), .repeat = 1);
	fill_packet(seed, in);
	if (bpf_prog_test_run_opts(fd, &o))
		return false;
	*r0 = o.retval;
	*packet = bytes_text(after, std::min<size_t>(o.data_size_out, sizeof(after)));
	return true;
}

static run_result run_in_kernel(const gen_prog &p)
{
	kernel_oracle k;	// with maps of its own
	run_result r;
	int fd = k.load(p, nullptr);
	if (fd < 0) {
		r.why = "the kernel refuses it";
		return r;
	}
	r.ran = test_run(fd, p.seed, &r.r0, &r.packet);
	r.why = strerror(errno);
	r.maps = kernel_maps(k);
	if (p.type != PROG_XDP)
		r.packet.clear();
	close(fd);
	return r;
}

run_batch::run_batch(const kernel_oracle &k) : skb(SKB_WORDS)
{
	for (int i = 0; i < SKB_WORDS; i++) {
		gen_prog p = {PROG_SOCKET_FILTER, {}, 0};
		p.insn = {{BPFI_LDX | BPFI_MEM | BPFI_W, 0, 1, (int16_t)(4 * i), 0}, {BPFI_JMP_EXIT, 0, 0, 0, 0}};
		int fd = k.load(p, nullptr);
		std::string packet;
		if (fd >= 0 && !test_run(fd, 0, &skb[(size_t)i], &packet))
			skb[(size_t)i] = 0;
		if (fd >= 0)
			close(fd);
	}
}

// ---- natively ----

struct shared {		// between the child and this process
	bool     ran;
	uint32_t r0;
	char     packet[2 * PACKET_BYTES + 1], maps[16384], why[256];
};

static void *map_base(const struct bpftime_map *m)
{
	return m->room_rel ? BPFTIME_REL(void, m->room_rel) : *BPFTIME_REL(void *, m->slot_rel);
}

static std::string native_maps(const struct lnk_loaded &l)
{
	std::string s;
	for (int i : compared_maps) {
		const struct bpftime_map *m = lnk_loaded_map(&l, gen_maps[(size_t)i].name);
		std::map<std::string, std::string> sorted;
		std::vector<uint8_t> key(gen_maps[(size_t)i].key), next(key), value(gen_maps[(size_t)i].value);
		bool first = true;
		while (m && !rt_map_next_key(m, map_base(m), first ? nullptr : key.data(), next.data())) {
			key = next, first = false;
			if (!rt_map_lookup(m, map_base(m), key.data(), value.data(), 0))
				sorted[bytes_text(key.data(), key.size())] = bytes_text(value.data(), value.size());
		}
		for (auto &e : sorted)
			s += std::string(gen_maps[(size_t)i].name) + " " + e.first + " = " + e.second + "\n";
	}
	return s;
}

// Memory that ends where a page begins which nobody may touch.
static uint8_t *guarded_page()
{
	auto p = (uint8_t *)mmap(nullptr, 2 * PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED || mprotect(p + PAGE_BYTES, PAGE_BYTES, PROT_NONE))
		_exit(1);
	return p + PAGE_BYTES;
}

static void run_here(const gen_prog &p, const std::string &name, struct bytes obj, const std::vector<uint32_t> &skb,
		     struct shared *out)
{
	struct diags dg = {};
	struct arena *a = arena_new();
	struct lnk_loaded l;
	struct lnk *lnk = lnk_new(a, rt_archive());
	if (lnk_add_object(lnk, "generated", obj, true, &dg) < 0 || lnk_load_here(lnk, PAYLOAD_PRIVATE, &l, &dg) < 0) {
		snprintf(out->why, sizeof(out->why), "not loaded: %s", dg.first_text);
		return;
	}
	uint64_t tail_calls = 0;
	uint8_t *packet = guarded_page() - PACKET_BYTES, *ctx = guarded_page() - SKB_WORDS * 4;
	struct bpftime_xdp xdp = {};
	fill_packet(p.seed, packet);
	memcpy(ctx, skb.data(), SKB_WORDS * 4);
	xdp.data = xdp.data_meta = (uintptr_t)packet;
	xdp.data_end = (uintptr_t)packet + PACKET_BYTES;
	xdp.ingress_ifindex = 1;
	void *arg = p.type == PROG_XDP ? (void *)&xdp : ctx;
	out->r0 = (uint32_t)lnk_loaded_body(&l, name.c_str())(arg, (uintptr_t)&tail_calls);
	snprintf(out->packet, sizeof(out->packet), "%s",
		 p.type == PROG_XDP ? bytes_text(packet, PACKET_BYTES).c_str() : "");
	snprintf(out->maps, sizeof(out->maps), "%s", native_maps(l).c_str());
	out->ran = true;
}

// In a child with 5 s: a crash is an answer.
static run_result run_natively(const gen_prog &p, const std::string &name, struct bytes obj,
			       const std::vector<uint32_t> &skb)
{
	auto out = (struct shared *)mmap(nullptr, sizeof(struct shared), PROT_READ | PROT_WRITE,
					 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	run_result r;
	int status = 0;
	fflush(nullptr);
	pid_t pid = fork();
	if (!pid) {
		struct rlimit five = {5, 5};
		setrlimit(RLIMIT_CPU, &five);
		run_here(p, name, obj, skb, out);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	r.ran = out->ran && WIFEXITED(status);
	r.why = WIFSIGNALED(status) ? std::string("signal ") + std::to_string(WTERMSIG(status)) : out->why;
	r.r0 = out->r0, r.packet = out->packet, r.maps = out->maps;
	munmap(out, sizeof(struct shared));
	return r;
}

// Verified facts are what the compiler is told, so it is told those.
static bool compile(struct arena *a, const std::vector<gen_prog> &progs, unsigned level, struct bytes *out,
		    std::string *why)
{
	std::vector<struct vfy_result> facts(progs.size());
	std::vector<const struct vfy_result *> list;
	struct compile_opts opts = {};
	struct vfy_opts vo = {};
	struct diags dg = {};
	struct unit *u = as_unit(a, progs);
	for (size_t i = 0; i < progs.size(); i++) {
		if (vfy_verify(a, u, &u->prog[i], &vo, &facts[i], &dg)) {
			*why = dg.first_text;
			return false;
		}
		list.push_back(&facts[i]);
	}
	opts.opt_level = level;
	opts.vm = true;
	bool ok = !compile_object(a, u, list.data(), &opts, out, &dg);
	*why = dg.first_text;
	return ok;
}

bool run_batch::compare(std::string *text)
{
	struct arena *a = arena_new();
	struct bytes obj;
	std::string why;
	bool same = true;

	if (progs.empty()) {
		arena_free(a);
		return true;
	}
	unsigned level = 1 + progs[0].seed % 3;
	if (!compile(a, progs, level, &obj, &why)) {
		if (progs.size() == 1) {
			not_compiled++;
			*text += "seed " + std::to_string(progs[0].seed) + " is not compiled: " + why + "\n";
			same = false;
		} else {
			for (auto &p : std::vector<gen_prog>(progs)) {	// which one is it?
				progs = {p};
				same = compare(text) && same;
			}
		}
		progs.clear();
		arena_free(a);
		return same;
	}
	for (size_t i = 0; i < progs.size(); i++) {
		run_result k = run_in_kernel(progs[i]);
		run_result n = run_natively(progs[i], unit_prog_name(i), obj, skb);
		compared++;
		if (k == n)
			continue;
		same = false;
		differ++;
		*text += "seed " + std::to_string(progs[i].seed) + " at -O" + std::to_string(level) +
			 " differs\nkernel: " + as_text(k) + "here: " + as_text(n);
	}
	progs.clear();
	arena_free(a);
	return same;
}
