// SPDX-License-Identifier: MIT
// Statically defined probes: each form of argument has the value that forms.c put there, the
// kernel sees the same where libbpf knows the form, and an interpreter's own probes fire.
#include "../tools.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <jansson.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

namespace {

struct Form {
	uint64_t hits;
	int64_t cookie, n_arg, arg[12], err[12];
};
enum { FORMS = 16, CALLS = 5, COOKIE = 77, NO_ENTRY = -2, FAULT = -14 };

struct Usdt : ToolTest {
	std::string compile(const std::string &bpf)
	{
		tool("bpftime-aot compile " + bpf + " -o " + d + "/p.hook.o");
		return d + "/p.hook.o";
	}
	std::map<std::string, std::string> dump(const std::string &map)
	{
		std::map<std::string, std::string> r;
		json_error_t err;
		json_t *e, *all = json_loads(tool("bpftime-ctl dump " + map + " --json").c_str(), 0, &err);
		size_t i;
		EXPECT_NE(all, nullptr) << err.text;
		json_array_foreach(all, i, e)
			r[bytes_of(json_object_get(e, "key"))] = bytes_of(json_object_get(e, "value"));
		json_decref(all);
		return r;
	}
	void forms(const std::string &kind, Form *out)
	{
		std::string bin = USDT_DIR "/usdt_forms_" + kind, hook = compile(USDT_DIR "/forms.bpf.o");
		tool("bpftime-patch --binary " + bin + " --usdt 'forms:*' --cookie 77 " + hook + " -o " +
		     d + "/p");
		EXPECT_EQ(ok(d + "/p " + std::to_string(CALLS)), "1 1 1\n");
		for (auto &e : dump("forms/forms")) {
			uint32_t k;
			memcpy(&k, e.first.data(), 4);
			ASSERT_LT(k, (uint32_t)FORMS);
			memcpy(&out[k], e.second.data(), sizeof(Form));
		}
	}
};

// The first argument is the number of the form.
void expect_args(const Form *f, int form, const std::vector<int64_t> &want)
{
	SCOPED_TRACE(form);
	EXPECT_EQ(f[form].hits, (uint64_t)CALLS);
	EXPECT_EQ(f[form].cookie, COOKIE);
	EXPECT_EQ(f[form].n_arg, (int64_t)want.size() + 1);
	for (size_t i = 0; i < want.size(); i++)
		EXPECT_EQ(f[form].arg[i + 1], want[i]) << "argument " << i + 1;
	for (size_t i = want.size() + 1; i < 12; i++)
		EXPECT_EQ(f[form].err[i], NO_ENTRY);
}

void expect_all(Form *f)
{
	expect_args(f, 1, { 0x34, -5, -5, 0x1234, 0x1234, 0x1234 });
	expect_args(f, 2, { 10, 11, 12, 13, 10 });
	expect_args(f, 3, { 0x1122334455667788, 12, 13, 0x11223344, 0x7788 });
	EXPECT_EQ(f[4].arg[1], 0x400921fb54442d18);
	EXPECT_EQ(f[4].arg[2], 0x3fc00000);
	EXPECT_EQ(f[5].arg[2], 99);
	EXPECT_EQ(f[5].hits, (uint64_t)CALLS);
	expect_args(f, 6, { -9, INT64_MAX, -1, 0xffffffff, 255, -1, 0 });
	EXPECT_EQ(f[6].err[7], FAULT);
	f[7].arg[7] = 0;	// an address
	expect_args(f, 7, { -3, 253, -300, -70000, 4000000000, -5000000000, 0 });
	expect_args(f, 8, { CALLS - 1 });	// behind its semaphore
	expect_args(f, 9, { 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14 });
	expect_args(f, 10, { 0x4004000000000000 });
	expect_args(f, 12, { 0x12, (int8_t)0x99, 16 });
}

TEST_F(Usdt, EachFormOfArgumentInAPie)
{
	Form f[FORMS] = {};
	forms("pie", f);
	expect_all(f);
	EXPECT_EQ(f[11].hits, 0u);
}

TEST_F(Usdt, EachFormOfArgumentAtAFixedAddress)
{
	for (const char *kind : { "exec", "static" }) {
		SCOPED_TRACE(kind);
		Form f[FORMS] = {};
		shell("rm -rf " + d + "/maps");
		forms(kind, f);
		expect_all(f);
		int64_t table = f[11].arg[4];
		EXPECT_NE(table, 0);
		expect_args(f, 11, { 12, 13, 0x1122334455667788, table, table + 8 });
	}
}

// libbpf knows neither SIB operands nor symbols nor vectors.
TEST_F(Usdt, TheKernelSeesTheSame)
{
	Form ours[FORMS] = {}, f;
	int compared = 0;
	const std::string own = d + "/forms";	// a probe is one of every process that runs the file
	forms("pie", ours);
	ok("cp " USDT_DIR "/usdt_forms_pie " + own);
	libbpf_set_print(nullptr);
	for (const char *name : { "guarded", "regs", "sib", "symbols", "vector", "constants", "plain", "twelve" }) {
		LIBBPF_OPTS(bpf_usdt_opts, o, .usdt_cookie = COOKIE);
		struct bpf_object *obj = bpf_object__open_file(USDT_DIR "/forms.bpf.o", nullptr);
		ASSERT_NE(obj, nullptr);
		if (bpf_object__load(obj)) {
			bpf_object__close(obj);
			GTEST_SKIP() << "this process may not load BPF programs into the kernel";
		}
		struct bpf_link *l = bpf_program__attach_usdt(bpf_object__find_program_by_name(obj, "keep"), -1,
							      own.c_str(), "forms", name, &o);
		ok(own + " " + std::to_string(CALLS));
		for (uint32_t k = 1; l && k < FORMS; k++) {
			struct bpf_map *m = bpf_object__find_map_by_name(obj, "forms");
			if (bpf_map__lookup_elem(m, &k, 4, &f, sizeof(f), 0) || !f.hits)
				continue;
			if (k == 7)	// an address of a stack
				f.arg[7] = ours[k].arg[7] = 0;
			EXPECT_EQ(memcmp(&f, &ours[k], sizeof(f)), 0) << name;
			compared++;
		}
		bpf_link__destroy(l);
		bpf_object__close(obj);
	}
	EXPECT_EQ(compared, 5);	// guarded, regs, constants, plain, twelve
}

TEST_F(Usdt, SemaphoresAreRaisedAndLoweredAgain)
{
	std::string bin = USDT_DIR "/usdt_forms_pie", out = d + "/p";
	EXPECT_EQ(ok(bin), "0 0 1\n");
	tool("bpftime-patch --binary " + bin + " --usdt forms:guarded -o " + out);	// the built-in count
	EXPECT_EQ(ok(out + " 3"), "0 1 1\n");
	EXPECT_EQ(tool("bpftime-ctl dump calls"), "0: 3\n");
	Output audit = shell(BPFTIME_BIN_DIR "/bpftime-patch --audit " + out + " --against " + bin);
	EXPECT_TRUE(audit.status == 0 || audit.text.find("P112") != std::string::npos) << audit.text;
	EXPECT_NE(tool("bpftime-patch --list " + out).find("forms:guarded"), std::string::npos);
	tool("bpftime-patch --revert " + out);
	ok("cmp " + out + " " + bin);
}

TEST_F(Usdt, WhatCannotBeDoneSaysWhy)
{
	std::string bin = USDT_DIR "/usdt_forms_pie", patch = BPFTIME_BIN_DIR "/bpftime-patch --binary ";
	Output o = shell(patch + bin + " --plan --json --usdt forms:real --usdt forms:none");
	EXPECT_NE(o.text.find("its bytes are among those of the site"), std::string::npos) << o.text;
	o = shell(patch + bin + " --plan --usdt forms:nonesuch");
	EXPECT_EQ(o.status, 1);
	EXPECT_NE(o.text.find("error[P203]"), std::string::npos) << o.text;
	EXPECT_NE(o.text.find("; it has forms:"), std::string::npos) << o.text;
	o = shell(patch + "/bin/true --plan --usdt '*:*'");
	EXPECT_NE(o.text.find("no probes at all"), std::string::npos) << o.text;
	EXPECT_EQ(shell(patch + bin + " --plan --usdt forms").status, 2);
	EXPECT_EQ(shell(patch + bin + " --plan --cookie 1 --usdt forms:none").status, 2);
	o = shell(patch + bin + " --plan --usdt 'forms:*' " + compile(USDT_DIR "/few.bpf.o"));
	EXPECT_EQ(o.status, 1);
	EXPECT_NE(o.text.find("error[P204]"), std::string::npos) << o.text;
}

// The sample, here and in the kernel: the same modules, as often.
struct Use {
	uint64_t times, found, ns;
};

TEST_F(Usdt, PythonImports)
{
	const std::string script = " -I -c 'import json, decimal, fractions'", own = d + "/own-python3.11";
	std::map<std::string, Use> here, kernel;
	Use u;

	if (access("/usr/bin/python3.11", X_OK))
		GTEST_SKIP() << "no python3.11";
	std::string hook = compile(SAMPLES_DIR "/usdt.bpf.o");
	tool("bpftime-patch --binary /usr/bin/python3.11 " + hook + " -o " + d + "/python3.11");
	ok(d + "/python3.11" + script);
	for (auto &e : dump("usdt/modules")) {
		memcpy(&u, e.second.data(), sizeof(u));
		here[e.first.c_str()] = u;
	}
	EXPECT_EQ(here["json"].times, 1u);
	EXPECT_EQ(here["json"].found, 1u);
	EXPECT_GT(here["json"].ns, here["json.decoder"].ns);

	libbpf_set_print(nullptr);
	struct bpf_object *obj = bpf_object__open_file(SAMPLES_DIR "/usdt.bpf.o", nullptr);
	struct bpf_program *p;
	std::vector<struct bpf_link *> links;
	ASSERT_NE(obj, nullptr);
	if (bpf_object__load(obj)) {
		bpf_object__close(obj);
		GTEST_SKIP() << "this process may not load BPF programs into the kernel";
	}
	ok("cp /usr/bin/python3.11 " + own);
	bpf_object__for_each_program(p, obj) {
		std::string sec = bpf_program__section_name(p);
		links.push_back(bpf_program__attach_usdt(p, -1, own.c_str(), "python",
							 sec.substr(sec.rfind(':') + 1).c_str(), nullptr));
	}
	ok(own + script);
	struct bpf_map *m = bpf_object__find_map_by_name(obj, "modules");
	char key[48];
	for (char *prev = nullptr; !bpf_map__get_next_key(m, prev, key, sizeof(key)); prev = key)
		if (!bpf_map__lookup_elem(m, key, sizeof(key), &u, sizeof(u), 0))
			kernel[key] = u;
	for (struct bpf_link *l : links)
		bpf_link__destroy(l);
	bpf_object__close(obj);
	EXPECT_EQ(here.size(), kernel.size());
	for (auto &e : kernel) {
		EXPECT_EQ(here[e.first].times, e.second.times) << e.first;
		EXPECT_EQ(here[e.first].found, e.second.found) << e.first;
	}
}

}
