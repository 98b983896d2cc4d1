// SPDX-License-Identifier: MIT
#include "made.h"

#include <sstream>
#include <unistd.h>

#include "../shell.h"

const char *const bpf_head =
	"#include \"vmlinux.h\"\n"
	"#include <bpf/bpf_helpers.h>\n"
	"#include <bpf/bpf_tracing.h>\n"
	"char LICENSE[] SEC(\"license\") = \"GPL\";\n"
	"#define MAP(name_, type_, k_, v_, n_) struct { __uint(type, BPF_MAP_TYPE_##type_); "
	"__uint(max_entries, n_); __type(key, k_); __type(value, v_); } name_ SEC(\".maps\");\n";

Made::Made(const std::string &path, bool verify, const char *target) : rel(path)
{
	err = rel.err;
	opts.opt_level = 3;
	opts.target = target;
	opts.unverified = !verify;
	dg.out = stderr;
	EXPECT_EQ(err, 0) << rel.text;
	for (size_t i = 0; !err && i < rel.u->n_prog; i++) {
		auto r = (vfy_result *)arena_alloc(a, sizeof(vfy_result));
		struct vfy_opts vo = {};
		facts.push_back(verify ? r : nullptr);
		if (verify)
			err = vfy_verify(a, rel.u, &rel.u->prog[i], &vo, r, &dg);
	}
	if (!err)
		err = compile(&obj);
}

int Made::compile(struct bytes *out)
{
	return compile_object(a, rel.u, facts.data(), &opts, out, &dg);
}

std::string Made::ir()
{
	struct bytes text = {};
	EXPECT_EQ(compile_ir(a, rel.u, facts.data(), &opts, &text, &dg), 0);
	return std::string((const char *)text.p, text.n);
}

obj_file Made::read()
{
	obj_file f = {};
	EXPECT_EQ(objfile_read(a, "made.hook.o", obj, &f, &dg), 0);
	return f;
}

const obj_sec *Made::section(const obj_file &f, const std::string &name)
{
	for (uint32_t i = 1; i < f.n_sec; i++)
		if (f.sec[i].name == name)
			return &f.sec[i];
	return nullptr;
}

std::string Made::write() const
{
	char path[] = "/tmp/bpftime-made-XXXXXX";
	int fd = mkstemp(path);
	EXPECT_EQ(::write(fd, obj.p, obj.n), (ssize_t)obj.n);
	close(fd);
	return path;
}

std::vector<std::string> Made::code(const std::string &name)
{
	std::string path = write();
	std::vector<std::string> out;
	std::istringstream in(stdout_of("objdump -d --no-show-raw-insn -j .text." + name + " " + path).text);
	for (std::string line; std::getline(in, line);) {
		size_t tab = line.find('\t');
		if (tab != line.npos && line[0] == ' ')
			out.push_back(line.substr(tab + 1, line.find('#', tab) - tab - 1));
	}
	unlink(path.c_str());
	return out;
}
