// SPDX-License-Identifier: MIT
// usage: verify_oracle [N [SEED [FILE]]] | verify_oracle show SEED
// N generated programs in front of both verifiers; those that both accept and that a packet
// can drive are executed by the kernel and natively.  Programs on which the verifiers differ
// are appended to FILE as records.
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <unistd.h>

#include "exempt.h"
#include "kernel.h"
#include "oracle.h"
#include "run.h"

static std::string without_numbers(std::string s)
{
	std::string out;
	for (size_t i = 0; i < s.size(); i++) {
		if (isdigit(s[i]) && (i == 0 || !isalpha(s[i - 1]) || s[i - 1] == 'R')) {
			while (i + 1 < s.size() && (isxdigit(s[i + 1]) || s[i + 1] == 'x'))
				i++;
			out += '#';
		} else {
			out += s[i];
		}
	}
	return out;
}

// One program, with all that the kernel says.
static int show(kernel_oracle &k, uint64_t seed)
{
	for (gen_prog p : {generate(seed), repeatable(generate(seed))}) {
		std::string log;
		our_verdict v = verify(p);
		int fd = k.load(p, &log);

		printf("%s %d\n%sours: %s %s at %" PRId64 ": %s\n%s\n", prog_type_name(p.type), fd, log.c_str(),
		       v.accepted ? "accept" : "reject", v.code.c_str(), v.insn, v.text.c_str(),
		       as_record(p, "seed " + std::to_string(seed), fd < 0 ? "reject" : "accept").c_str());
		for (auto &k : knowledge()) {
			our_verdict w = verify(p, k.plain);
			if (w.accepted != v.accepted)
				printf("without '%s': %s at %" PRId64 "\n", k.name, w.accepted ? "accept" : w.code.c_str(), w.insn);
		}
		if (fd >= 0)
			close(fd);
		if (!runnable(p))
			break;
	}
	return 0;
}

static bool takes_lock(const gen_prog &p)
{
	for (auto &in : p.insn)
		if (in.code == BPFI_JMP_CALL && in.src == BPFI_CALL_HELPER && in.imm == HELPER_spin_lock)
			return true;
	return false;
}

static bool looks_inside(const gen_prog &p)
{
	for (auto &in : p.insn)
		if (in.code == BPFI_LD_IMM64 && in.src == BPFI_LD_MAP &&
		    (in.imm == GEN_OUTER_ARRAY || in.imm == GEN_OUTER_HASH))
			return true;
	return false;
}

enum { BATCH = 24 };

class tally {
public:
	tally(FILE *out) : out(out), table(read_exemptions(BPFTIME_ORACLE_EXEMPTIONS)), batch(k) {}
	bool usable() const { return k.usable(); }
	void one(uint64_t seed);
	void finish() { flush(); }
	int report(uint64_t n);

private:
	void disagree(const gen_prog &p, bool kernel_accepts, const our_verdict &v);
	void execute(const gen_prog &p);
	void flush();

	struct count { uint64_t n, seed; };
	FILE *out;
	kernel_oracle k;
	std::vector<exemption> table;
	run_batch batch;
	uint64_t mutated = 0, accepted = 0, accepted_mutated = 0, both = 0, better = 0, unsafe = 0;
	uint64_t packet = 0, by_chance = 0, not_both = 0;
	uint64_t accepted_callbacks = 0, executed_callbacks = 0, accepted_locks = 0, executed_locks = 0;
	uint64_t accepted_inner = 0, executed_inner = 0;
	std::map<std::string, count> wrong, missed, exempted;	// by message
};

void tally::one(uint64_t seed)
{
	gen_prog p = generate(seed);
	int fd = k.load(p, nullptr);
	our_verdict v = verify(p);
	if (fd >= 0)
		close(fd);
	if (fd < 0 && v.accepted) {	// EAGAIN and the like do not count
		fd = k.load(p, nullptr);
		if (fd >= 0)
			close(fd);
	}
	mutated += p.mutated;
	accepted += fd >= 0;
	accepted_mutated += fd >= 0 && p.mutated;
	accepted_callbacks += fd >= 0 && !callback_starts(p).empty();
	accepted_locks += fd >= 0 && takes_lock(p);
	accepted_inner += fd >= 0 && looks_inside(p);
	both += fd >= 0 && v.accepted;
	if ((fd >= 0) != v.accepted)
		disagree(p, fd >= 0, v);
	else if (v.accepted && runnable(p))
		execute(p);
}

void tally::disagree(const gen_prog &p, bool kernel_accepts, const our_verdict &v)
{
	std::string log, why;

	if (kernel_accepts) {
		auto &m = missed[v.code + " " + without_numbers(v.text)];
		m.n++, m.seed = p.seed;
	} else {
		k.load(p, &log);
		why = last_line(log);
		const exemption *e = exempt(table, find(p, log));
		auto &m = (e ? exempted : wrong)[e ? e->reason + ": " + without_numbers(why) : without_numbers(why)];
		m.n++, m.seed = p.seed;
		(e ? better : unsafe)++;
	}
	if (out)
		fprintf(out, "%s\n", as_record(p, "seed " + std::to_string(p.seed), kernel_accepts ? "accept" : "reject").c_str());
}

void tally::execute(const gen_prog &p)
{
	gen_prog r = repeatable(p);
	our_verdict v = verify(r, 0, true);
	int fd = k.load(r, nullptr);

	packet++;
	if (fd >= 0)
		close(fd);
	if (fd < 0 || !v.accepted) {
		not_both++;
		if (fd < 0 && v.accepted)
			disagree(r, false, v);
		return;
	}
	if (v.by_chance) {
		by_chance++;
		return;
	}
	executed_callbacks += !callback_starts(r).empty();
	executed_locks += takes_lock(r);
	executed_inner += looks_inside(r);
	batch.add(r);
	if (batch.size() == BATCH)
		flush();
}

void tally::flush()
{
	std::string text;
	if (!batch.compare(&text))
		printf("%s", text.c_str());
	fflush(stdout);
}

int tally::report(uint64_t n)
{
	printf("%" PRIu64 " programs (%" PRIu64 " mutated); the kernel accepts %" PRIu64 " (%" PRIu64 " mutated), of which we accept %"
	       PRIu64 " (%.2f %%)\n", n, mutated, accepted, accepted_mutated, both,
	       accepted ? 100.0 * (double)both / (double)accepted : 0.0);
	printf("accepted only by us: %" PRIu64 " exempted, %" PRIu64 " unsafe\n", better, unsafe);
	printf("of %" PRIu64 " for packets: %" PRIu64 " executed with equal results, %" PRIu64 " differ, %" PRIu64
	       " not compiled, %" PRIu64 " depend on addresses, %" PRIu64 " not accepted once repeatable\n",
	       packet, batch.compared - batch.differ, batch.differ, batch.not_compiled, by_chance, not_both);
	printf("of those that the kernel accepts, and of those executed: %" PRIu64 " and %" PRIu64 " have callbacks, %"
	       PRIu64 " and %" PRIu64 " take locks, %" PRIu64 " and %" PRIu64 " look into maps of maps\n",
	       accepted_callbacks, executed_callbacks, accepted_locks, executed_locks, accepted_inner, executed_inner);
	for (auto &w : wrong)
		printf("  only we accept %6" PRIu64 "  (seed %" PRIu64 ")  kernel: %s\n", w.second.n, w.second.seed, w.first.c_str());
	for (auto &w : exempted)
		printf("  exempted       %6" PRIu64 "  (seed %" PRIu64 ")  kernel: %s\n", w.second.n, w.second.seed, w.first.c_str());
	for (auto &m : missed)
		printf("  only the kernel %5" PRIu64 "  (seed %" PRIu64 ")  ours: %s\n", m.second.n, m.second.seed, m.first.c_str());
	return unsafe || batch.differ || batch.not_compiled || both * 100 < accepted * 97;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "show")) {
		kernel_oracle one;
		return show(one, strtoull(argv[2], nullptr, 0));
	}
	uint64_t n = argc > 1 ? strtoull(argv[1], nullptr, 0) : 10000, seed = argc > 2 ? strtoull(argv[2], nullptr, 0) : 1;
	tally t(argc > 3 ? fopen(argv[3], "a") : nullptr);

	if (!t.usable()) {
		puts("skipped: this process may not load BPF programs into the kernel");
		return 0;
	}
	for (uint64_t i = 0; i < n; i++)
		t.one(seed + i);
	t.finish();
	return t.report(n);
}
