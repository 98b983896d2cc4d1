// SPDX-License-Identifier: MIT
// usage: verify_oracle [N [SEED [FILE]]] | verify_oracle show SEED
// N generated programs in front of both verifiers.  Programs on which they differ are
// appended to FILE as records.
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <unistd.h>

#include "kernel.h"
#include "oracle.h"

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
	gen_prog p = generate(seed);
	std::string log;
	our_verdict v = verify(p, false);
	int fd = k.load(p, &log);

	printf("%s %d\n%sours: %s %s at %" PRId64 ": %s\n%s\n", prog_type_name(p.type), fd, log.c_str(),
	       v.accepted ? "accept" : "reject", v.code.c_str(), v.insn, v.text.c_str(),
	       as_record(p, "seed " + std::to_string(seed), fd < 0 ? "reject" : "accept").c_str());
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "show")) {
		kernel_oracle one;
		return show(one, strtoull(argv[2], nullptr, 0));
	}
	uint64_t n = argc > 1 ? strtoull(argv[1], nullptr, 0) : 10000, seed = argc > 2 ? strtoull(argv[2], nullptr, 0) : 1;
	FILE *out = argc > 3 ? fopen(argv[3], "a") : nullptr;
	kernel_oracle k;
	uint64_t accepted = 0, both = 0, unsafe = 0, better = 0;
	std::map<std::string, std::pair<uint64_t, uint64_t>> wrong, missed;	// message: count, a seed

	if (!k.usable()) {
		puts("skipped: this process may not load BPF programs into the kernel");
		return 0;
	}
	for (uint64_t i = 0; i < n; i++) {
		gen_prog p = generate(seed + i);
		int fd = k.load(p, nullptr);
		our_verdict v = verify(p, false);
		if (fd >= 0)
			close(fd);
		accepted += fd >= 0;
		both += fd >= 0 && v.accepted;
		if ((fd >= 0) == v.accepted)
			continue;
		std::string log;
		if (fd < 0) {
			fd = k.load(p, &log);	// EAGAIN and the like do not count
			if (fd >= 0) {
				close(fd);
				accepted++, both++;
				continue;
			}
			if (!verify(p, true).accepted) {	// only what we know better
				better++;
				continue;
			}
			std::string why = without_numbers(last_line(log));
			auto &w = wrong[why.empty() ? strerror(-fd) : why];
			w.first++, w.second = seed + i;
			unsafe++;
		} else {
			auto &m = missed[v.code + " " + without_numbers(v.text)];
			m.first++, m.second = seed + i;
		}
		if (out)
			fprintf(out, "%s\n", as_record(p, "seed " + std::to_string(seed + i), fd < 0 ? "reject" : "accept").c_str());
	}
	printf("%" PRIu64 " programs, kernel accepts %" PRIu64 ", of which we accept %" PRIu64 " (%.2f %%); \n"
	       "accepted only by us: %" PRIu64 " for what the kernel does not know, %" PRIu64 " others\n",
	       n, accepted, both, accepted ? 100.0 * (double)both / (double)accepted : 0.0, better, unsafe);
	for (auto &w : wrong)
		printf("  only we accept %6" PRIu64 "  (seed %" PRIu64 ")  kernel: %s\n", w.second.first, w.second.second, w.first.c_str());
	for (auto &m : missed)
		printf("  only the kernel %5" PRIu64 "  (seed %" PRIu64 ")  ours: %s\n", m.second.first, m.second.second, m.first.c_str());
	return unsafe || both * 100 < accepted * 97;
}
