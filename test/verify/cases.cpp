// SPDX-License-Identifier: MIT
// test/cases/verify: objects that are accepted, and objects that are refused at a marked line
// with a marked code (case.h there says how); the kernel is asked as well.
#include <gtest/gtest.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <cstdarg>
#include <cstring>
#include <dirent.h>
#include <fstream>
#include <set>
#include <string>
#include <unistd.h>
#include <vector>

#include "made.h"
#include "relocator.h"
#include "verify.h"

namespace {

const std::string sources = BPFTIME_TEST_DIR "/cases/verify/", objects = BPFTIME_CASE_OBJECTS "/";

std::vector<std::string> names(const char *folder)
{
	std::vector<std::string> v;
	DIR *d = opendir((sources + folder).c_str());
	const std::string end = ".bpf.c";
	while (dirent *e = d ? readdir(d) : nullptr) {
		std::string n = e->d_name;
		if (n.size() > end.size() && n.substr(n.size() - end.size()) == end)
			v.push_back(std::string(folder) + "/" + n.substr(0, n.size() - end.size()));
	}
	if (d)
		closedir(d);
	std::sort(v.begin(), v.end());
	return v;
}

struct source {
	std::string why, code, kernel;
	std::vector<std::string> says;
	unsigned line = 0;

	explicit source(const std::string &name)
	{
		std::ifstream in(sources + name + ".bpf.c");
		std::string l;
		for (unsigned no = 1; std::getline(in, l); no++) {
			size_t mark = l.find("// V0");
			if (l.rfind("// says: ", 0) == 0)
				says.push_back(l.substr(9));
			else if (l.rfind("// kernel: ", 0) == 0)
				kernel = l.substr(11);
			else if (no == 1 && l.rfind("// ", 0) == 0)
				why = l.substr(3);
			else if (mark != std::string::npos)
				code = l.substr(mark + 3, 4), line = no;
		}
	}
};

struct result {
	bool accepted = true;
	std::string code, src, text;
};

// host_call() is a function of the embedding program, as vm_register() makes one.
void register_host(struct unit *u)
{
	static struct unit_extern host;
	host.proto.name = "host_call", host.proto.progs = PROGS_ALL;
	host.proto.ret = RET_INT, host.proto.arg[0] = ARG_SCALAR;
	u->ext = &host, u->n_ext = 1;
	for (size_t i = 0; i < u->n_prog; i++)
		for (uint32_t n = 0; n < u->prog[i].n_insn; n++) {
			struct bpfi *in = &u->prog[i].insn[n];
			if (in->code == BPFI_JMP_CALL && in->src == BPFI_CALL_KFUNC &&
			    !strcmp(u->kfunc[in->imm], host.proto.name))
				in->src = BPFI_CALL_EXTERN, in->imm = 0;
		}
}

result verify_object(const std::string &name)
{
	struct relocate_opts ro = {};
	struct unit *u = nullptr;
	struct diags dg = {};
	result res;
	char *buf = nullptr;
	size_t n = 0;

	dg.out = open_memstream(&buf, &n);
	if (relocate((objects + name + ".bpf.o").c_str(), &ro, &u, &dg) < 0) {
		res.accepted = false;
		res.code = diag_name(dg.first);
	}
	if (u)
		register_host(u);
	for (size_t i = 0; u && i < u->n_prog; i++) {
		struct vfy_opts opts = {};
		struct vfy_result r;
		struct arena *a = arena_new();
		if (vfy_verify(a, u, &u->prog[i], &opts, &r, &dg) < 0) {
			const char *src = unit_src(u, &u->prog[i], (uint32_t)dg.first_insn);
			res.accepted = false;
			res.code = diag_name(dg.first);
			res.src = src ? src : "";
		}
		arena_free(a);
	}
	fclose(dg.out);
	res.text = buf;
	free(buf);
	unit_free(u);
	return res;
}

int silent(enum libbpf_print_level, const char *, va_list) { return 0; }

std::string kernel_verdict(const std::string &name)
{
	static const struct bpf_insn ret0[] = {{BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0}, {BPF_JMP | BPF_EXIT, 0, 0, 0, 0}};
	int fd = bpf_prog_load(BPF_PROG_TYPE_KPROBE, "probe", "GPL", ret0, 2, nullptr);
	if (fd < 0)
		return "";
	close(fd);
	libbpf_set_print(silent);
	struct bpf_object *o = bpf_object__open_file((objects + name + ".bpf.o").c_str(), nullptr);
	static char log[64];	// else libbpf loads again and again, with ever larger logs
	struct bpf_program *p = nullptr;
	while (o && (p = bpf_object__next_program(o, p)))
		bpf_program__set_log_buf(p, log, sizeof(log));
	std::string v = o && !bpf_object__load(o) ? "accept" : "reject";
	bpf_object__close(o);
	return v;
}

}

class VerifyCase : public testing::TestWithParam<std::string> {};

TEST_P(VerifyCase, HasItsVerdict)
{
	source s(GetParam());
	result r = verify_object(GetParam());
	bool reject = GetParam().rfind("reject/", 0) == 0;

	EXPECT_FALSE(s.why.empty());
	EXPECT_EQ(r.accepted, !reject) << r.text;
	if (reject) {
		std::string file = GetParam().substr(7) + ".bpf.c:" + std::to_string(s.line);
		EXPECT_EQ(r.code, s.code) << r.text;
		EXPECT_EQ(r.src, file) << r.text;
		for (auto &says : s.says)
			EXPECT_NE(r.text.find(says), std::string::npos) << "not said: " << says << "\n" << r.text;
	}
	std::string k = kernel_verdict(GetParam()), wanted = s.kernel.substr(0, s.kernel.find(','));
	if (!k.empty() && wanted != "skip")
		EXPECT_EQ(k, wanted.empty() ? reject ? "reject" : "accept" : wanted) << "the kernel's verdict";
}

static std::string test_name(const testing::TestParamInfo<std::string> &i)
{
	std::string n = i.param;
	for (char &c : n)
		c = isalnum((unsigned char)c) ? c : '_';
	return n;
}
INSTANTIATE_TEST_SUITE_P(Accept, VerifyCase, testing::ValuesIn(names("accept")), test_name);
INSTANTIATE_TEST_SUITE_P(Reject, VerifyCase, testing::ValuesIn(names("reject")), test_name);

// Every diagnostic of the verifier is provoked by a case.
TEST(Coverage, EveryVerifierDiagnosticHasACase)
{
	std::set<std::string> seen;
	for (auto &n : names("reject"))
		seen.insert(source(n).code);
	for (const char *code : made_codes)	// no compiler makes such objects
		seen.insert(code);
	for (int c = DIAG_OK + 1; c < DIAG_COUNT; c++) {
		std::string name = diag_name((enum diag_code)c);
		if (name[0] == 'V')
			EXPECT_TRUE(seen.count(name)) << name << ": " << diag_text((enum diag_code)c);
	}
}
