// SPDX-License-Identifier: MIT
// docs/helpers.md says what abi/helpers.def says; UPDATE_GOLDEN=1 writes it.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "helpers.h"

// How a helper differs from the kernel's, where it does.
static const std::map<std::string, std::string> differs = {
#define DIFFERS(name_, text_) {#name_, text_},
#include "helper_notes.def"
};

static std::string kinds(uint16_t progs)
{
	std::string s;
	if (progs == PROGS_ALL)
		return "all";
	for (int t = 0; t < PROG_TYPE_COUNT; t++)
		if (progs >> t & 1)
			s += (s.empty() ? "" : ", ") + std::string(prog_type_name((prog_type)t));
	return s;
}

static std::string page()
{
	std::ostringstream have, no;
	int n_have = 0, n_no = 0;
	for (int id = 1; id < HELPER_ID_END; id++) {
		const struct helper_proto *h = ::helper_proto(id);
		if (!h)
			continue;
		std::string row = "| " + std::to_string(id) + " | `" + h->name + "` | ";
		auto note = differs.find(h->name);
		if (h->refused) {
			no << row << h->refused << " |\n";
			n_no++;
		} else {
			have << row << kinds(h->progs) << (h->sleeps ? "; sleepable only" : "") << " | "
			     << (note == differs.end() ? "" : note->second) << " |\n";
			n_have++;
		}
	}
	std::ostringstream kfuncs;
	std::map<std::string, std::string> no_kfuncs;	// by reason
	size_t n_kfuncs = 0, n_no_kfuncs = 0;
	for (size_t i = 0; const struct helper_proto *k = kfunc_row(i); i++) {
		if (k->refused) {
			std::string &names = no_kfuncs[k->refused];
			names += (names.empty() ? "`" : ", `") + std::string(k->name) + "`";
			n_no_kfuncs++;
			continue;
		}
		auto note = differs.find(k->name);
		kfuncs << "| `" << k->name << "` | " << kinds(k->progs) << (k->sleeps ? "; sleepable only" : "") << " | "
		       << (note == differs.end() ? "" : note->second) << " |\n";
		n_kfuncs++;
	}
	std::ostringstream no_kfunc_rows;
	for (auto &r : no_kfuncs)
		no_kfunc_rows << "| " << r.first << " | " << r.second << " |\n";
	std::ostringstream out;
	out << "# Helpers\n\nMade from `abi/helpers.def` and `test/runtime/helper_notes.def` by "
	       "`UPDATE_GOLDEN=1 test_runtime --gtest_filter=HelperDocs.*`; do not edit.\n\n"
	       "Every helper of the kernel is known by its number and name: " << n_have << " can be called, and "
	    << n_no << " are refused when a program is compiled.\n\n## Supported\n\n"
	       "| id | bpf_ | programs | unlike the kernel |\n| ---: | --- | --- | --- |\n" << have.str()
	    << "\n## Kernel functions\n\nOf the functions that the kernel offers by name " << n_kfuncs
	    << " can be called (`abi/kfuncs.def`).\n\n"
	       "| bpf_ | programs | unlike the kernel |\n| --- | --- | --- |\n" << kfuncs.str()
	    << "\n## Refused\n\n| id | bpf_ | reason (V028) |\n| ---: | --- | --- |\n" << no.str()
	    << "\n## Refused kernel functions\n\n" << n_no_kfuncs
	    << " more functions of the kernel are known by name.\n\n| reason (V028) | |\n| --- | --- |\n" << no_kfunc_rows.str();
	return out.str();
}

TEST(HelperDocs, AreUpToDate)
{
	std::string path = BPFTIME_SOURCE_DIR "/docs/helpers.md", want = page();
	if (getenv("UPDATE_GOLDEN"))
		std::ofstream(path) << want;
	std::stringstream is;
	is << std::ifstream(path).rdbuf();
	EXPECT_EQ(is.str(), want) << "run with UPDATE_GOLDEN=1";
	for (auto &d : differs) {	// no note about a helper that is not there
		bool known = false;
		for (int id = 1; id < HELPER_ID_END; id++)
			known |= ::helper_proto(id) && !::helper_proto(id)->refused && d.first == ::helper_proto(id)->name;
		const struct helper_proto *k = kfunc_proto(("bpf_" + d.first).c_str());
		EXPECT_TRUE(known || (k && !k->refused)) << d.first;
	}
}

// The kernel's list has no holes up to the last one.
TEST(HelperDocs, EveryHelperIsKnown)
{
	for (int id = 1; id <= 211; id++)
		EXPECT_NE(::helper_proto(id), nullptr) << id;
}
