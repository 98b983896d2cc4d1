// SPDX-License-Identifier: MIT
#include "e2e.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <thread>

#include "file.h"
#include "rt.h"
#include "segment.h"

namespace e2e {
namespace {

struct Scratch {
	std::string dir;
	unsigned n = 0;

	Scratch()
	{
		char t[] = "/tmp/patch.XXXXXX";
		dir = mkdtemp(t);
	}
	~Scratch() { (void)!system(("rm -rf " + dir).c_str()); }
};

std::string scratch_file()
{
	static Scratch s;
	return s.dir + "/p" + std::to_string(s.n++);
}

want parse(const Want &w)
{
	want r = {};

	r.hook = w.hook;
	r.ret = w.hook == COUNT_RET || w.hook == PACKED_RET || w.hook == FRAME_RET;
	r.off_bytes = w.off;
	r.cookie = 0xc00c1e00 + w.hook;
	if (w.symbol.compare(0, 3, "@0x") == 0) {
		r.has_vaddr = true;
		r.vaddr = strtoull(w.symbol.c_str() + 1, nullptr, 16);
	} else {
		r.symbol = w.symbol.c_str();
	}
	return r;
}

int build(arena *a, plan *p, bytes *file, diags *dg)
{
	lnk_target target = {PAYLOAD_PRIVATE, nullptr, p->im->path, p->im->build_id};
	segment_fill fill = {};
	struct segment_plan *sp;
	segment_place place;
	lnk_size size;
	edits e = {};
	size_t n_cfi;
	int r;

	plan_cfi(p, &n_cfi);
	if ((r = lnk_layout(p->lnk, &target, p->tramp_bytes, p->cfi_bytes, &size, dg)) < 0 ||
	    (r = segment_plan(a, p->im, &size, n_cfi, &sp, &place, dg)) < 0 ||
	    (r = lnk_place(p->lnk, place.rx_vaddr, place.rw_vaddr, dg)) < 0 ||
	    (r = plan_emit(p, &e, dg)) < 0 ||
	    (r = lnk_finish(p->lnk, &fill.rx, &fill.rw, dg)) < 0)
		return r;
	fill.edits = &e;
	fill.cfi = plan_cfi(p, &fill.n_cfi);
	fill.meta = {(const uint8_t *)"test", 4};
	return segment_write(sp, &fill, file, dg);
}

std::string printed(const plan *p, bool json, uint64_t growth)
{
	char *buf = nullptr;
	size_t n = 0;
	FILE *f = open_memstream(&buf, &n);

	plan_print(p, json, growth, "strict", f);
	fclose(f);
	std::string s(buf, n);
	free(buf);
	return s;
}

}

Patched patch(const std::string &binary, const std::vector<Want> &wants, const plan_opts &opts)
{
	arena *a = arena_new();
	diags dg = {};
	Patched out;
	plan p = {};
	bytes archive, object, file = {};
	int r;

	p.im = nullptr;
	if ((r = file_read(a, TEST_RT, &archive, nullptr, &dg)) >= 0 &&
	    (r = file_read(a, TEST_HOOKS, &object, nullptr, &dg)) >= 0 &&
	    (r = image_read(a, binary.c_str(), &p.im, &dg)) >= 0) {
		p.lnk = lnk_new(a, archive);
		r = lnk_add_object(p.lnk, "hooks", object, false, &dg);
	}
	for (size_t i = 0; r >= 0 && i < wants.size(); i++) {
		want w = parse(wants[i]);
		r = sites_find(&p, &w, &dg);
	}
	if (r >= 0)
		r = plan_make(&p, &opts, &dg);
	if (r >= 0 && p.n_patched)
		r = build(a, &p, &file, &dg);
	for (size_t i = 0; i < p.n_site; i++) {
		if (p.site[i].refused)
			out.reasons.push_back(p.site[i].refused);
		out.tactics.push_back(tactic_name(p.site[i].tactic));
		out.at.push_back(p.site[i].tramp_off);
		out.ns.push_back(p.site[i].cost.ns);
	}
	if (r >= 0) {
		out.patched = p.n_patched;
		out.refused = p.n_refused;
		out.json = printed(&p, true, file.n ? file.n - p.im->file.n : 0);
		out.text = printed(&p, false, file.n ? file.n - p.im->file.n : 0);
	}
	if (r >= 0 && file.n) {
		out.path = scratch_file();
		out.tramp_vaddr = lnk_tramp_vaddr(p.lnk);
		out.tramp_bytes = p.tramp_bytes;
		out.tramp.assign(lnk_tramp_bytes(p.lnk), lnk_tramp_bytes(p.lnk) + p.tramp_bytes);
		r = file_write(out.path.c_str(), file.p, file.n, 0755, nullptr, &dg);
	}
	if (r < 0) {
		out.path.clear();
		out.error = dg.first_text;
	}
	arena_free(a);
	return out;
}

Result run(const std::vector<std::string> &argv, const std::string &path, uint64_t off, uint64_t older)
{
	Result r;
	int cells = memfd_create("cells", 0), pipe_fd[2];
	std::vector<char *> args;
	uint64_t page[1024];
	char buf[4096];
	ssize_t n;

	uint64_t say[2] = {off, older};	// the last cells, for rt_init.c

	EXPECT_EQ(ftruncate(cells, sizeof(page)), 0);
	EXPECT_EQ(pwrite(cells, say, sizeof(say), 4096 - sizeof(say)), (ssize_t)sizeof(say));
	EXPECT_EQ(pipe(pipe_fd), 0);
	for (const std::string &s : argv)
		args.push_back(const_cast<char *>(s.c_str()));
	args.push_back(nullptr);
	pid_t pid = fork();
	if (!pid) {
		dup2(cells, 777);
		dup2(pipe_fd[1], 1);
		dup2(pipe_fd[1], 2);
		close(pipe_fd[0]);
		close(pipe_fd[1]);
		setpgid(0, 0);
		alarm(120);
		execv(path.empty() ? args[0] : path.c_str(), args.data());
		_exit(127);
	}
	close(pipe_fd[1]);
	std::thread watch([pid, &r] {
		waitpid(pid, &r.status, 0);
		usleep(200000);	// for what it left running, which holds the pipe
		kill(-pid, SIGKILL);
	});
	while ((n = read(pipe_fd[0], buf, sizeof(buf))) > 0)
		r.out.append(buf, (size_t)n);
	close(pipe_fd[0]);
	watch.join();
	EXPECT_EQ(pread(cells, page, sizeof(page), 0), (ssize_t)sizeof(page));
	close(cells);
	memcpy(r.cell, page, sizeof(r.cell));
	memcpy(&r.misses, (const char *)(page + 512) + offsetof(rt_control, misses), 8);
	return r;
}

Result run_same(const std::string &original, const Patched &p, const std::vector<std::string> &args)
{
	std::vector<std::string> argv = {original};
	std::string text = p.text.substr(0, 2000);

	EXPECT_EQ(p.error, "");
	EXPECT_NE(p.path, "") << text;
	if (p.path.empty())
		return {};
	argv.insert(argv.end(), args.begin(), args.end());
	Result a = run(argv), b = run(argv, p.path);
	EXPECT_EQ(a.status, b.status) << text;
	EXPECT_EQ(a.out, b.out) << text;
	return b;
}

std::string target(const std::string &name)
{
	return std::string(TEST_TARGETS) + "/" + name;
}

}
