// SPDX-License-Identifier: MIT
#include "arenas.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <cerrno>
#include <cstring>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "compiler.h"
#include "hooks.h"
#include "load.h"
#include "mapfmt.h"
#include "rt_archive.h"
#include "rt_maps.h"
#include "verify.h"

struct unit *arena_unit(const std::string &object)
{
	struct relocate_opts ro = {};
	struct diags dg = {};
	struct unit *u = nullptr;
	dg.out = stderr;
	return relocate(object.c_str(), &ro, &u, &dg) < 0 ? nullptr : u;
}

std::vector<std::string> arena_programs(const std::string &object)
{
	std::vector<std::string> v;
	struct unit *u = arena_unit(object);
	for (size_t i = 0; u && i < u->n_prog; i++)
		v.push_back(u->prog[i].name);
	unit_free(u);
	return v;
}

static bool is_zero(const std::string &page)
{
	return page.find_first_not_of('\0') == std::string::npos;
}

// ---- here ----

struct ArenaHere::state {
	struct arena *a = arena_new();
	struct lnk_loaded l = {};
	struct unit *u = nullptr;
};

static bool compile(struct arena *a, struct unit *u, const std::vector<std::string> &progs, unsigned level,
		    struct bytes *obj)
{
	std::vector<const struct vfy_result *> list;
	struct compile_opts opts = {};
	struct vfy_opts vo = {};
	struct diags dg = {};
	dg.out = stderr;
	if (!u)
		return false;
	size_t kept = 0;
	for (size_t i = 0; i < u->n_prog; i++)
		for (auto &p : progs)
			if (p == u->prog[i].name) {
				u->prog[kept++] = u->prog[i];
				break;
			}
	u->n_prog = progs.empty() ? u->n_prog : kept;
	std::vector<struct vfy_result> facts(u->n_prog);
	for (size_t i = 0; i < u->n_prog; i++) {
		if (vfy_verify(a, u, &u->prog[i], &vo, &facts[i], &dg))
			return false;
		list.push_back(&facts[i]);
	}
	opts.opt_level = level;
	opts.vm = true;	// bodies that can be called
	return !compile_object(a, u, list.data(), &opts, obj, &dg);
}

ArenaHere::ArenaHere(const std::string &object, unsigned level, const std::vector<std::string> &progs)
	: ArenaHere(arena_unit(object), level, progs)
{
}

ArenaHere::ArenaHere(struct unit *u, unsigned level, const std::vector<std::string> &progs) : s(new state)
{
	s->u = u;
	struct diags dg = {};
	struct bytes obj;
	dg.out = stderr;
	if (!compile(s->a, u, progs, level, &obj))
		return;
	struct lnk *lnk = lnk_new(s->a, rt_archive());
	ok = lnk_add_object(lnk, "arena", obj, true, &dg) >= 0 && lnk_load_here(lnk, PAYLOAD_PRIVATE, &s->l, &dg) >= 0;
}

ArenaHere::~ArenaHere()
{
	if (ok)
		lnk_unload(&s->l);
	unit_free(s->u);
	arena_free(s->a);
	delete s;
}

bool ArenaHere::run(const std::string &prog, uint64_t *r0)
{
	auto body = ok ? lnk_loaded_body(&s->l, prog.c_str()) : nullptr;
	alignas(16) struct bpftime_frame_x86_64 ctx = {};
	if (!body)
		return false;
	uint64_t tail_calls = 0;
	*r0 = body(&ctx, (uintptr_t)&tail_calls);
	return true;
}

const struct bpftime_map *ArenaHere::map(const std::string &name) const
{
	return lnk_loaded_map(&s->l, name.c_str());
}

void *ArenaHere::base(const std::string &name) const
{
	return lnk_loaded_base(map(name));
}

std::vector<uint64_t> ArenaHere::out() const
{
	std::vector<uint64_t> v(ARENA_OUT);
	for (uint32_t i = 0; i < ARENA_OUT && map("out"); i++)
		rt_map_lookup(map("out"), base("out"), &i, &v[i], 0);
	return v;
}

std::map<uint32_t, std::string> ArenaHere::pages() const
{
	std::map<uint32_t, std::string> v;
	const struct bpftime_map *m = map("arena");
	auto at = (const char *)base("arena");
	auto backed = (const uint64_t *)(at + mapfmt_arena_backed(m->max_entries));
	at += mapfmt_arena_pages(m->max_entries);
	for (uint32_t i = 0; i < m->max_entries; i++)
		if (backed[i / 64] >> i % 64 & 1) {
			std::string page(at + (size_t)i * ARENA_PAGE, ARENA_PAGE);
			if (!is_zero(page))
				v[i] = page;
		}
	return v;
}

// ---- the kernel ----

static bool make_map(const struct unit_map *m, int *fd)
{
	LIBBPF_OPTS(bpf_map_create_opts, o, .map_flags = m->flags, .map_extra = m->map_extra);
	*fd = bpf_map_create((enum bpf_map_type)m->type, "arena_test", m->key_size, m->value_size, m->max_entries, &o);
	if (*fd < 0)
		return false;
	uint32_t zero = 0;
	if (m->type != MAP_TYPE_arena && m->init.n && bpf_map_update_elem(*fd, &zero, m->init.p, 0))
		return false;
	return !(m->bits & MAP_BIT_RODATA) || !bpf_map_freeze(*fd);
}

ArenaKernel::ArenaKernel(const std::string &object) : ArenaKernel(arena_unit(object)) {}

ArenaKernel::ArenaKernel(struct unit *unit) : u(unit)
{
	for (size_t i = 0; u && i < u->n_map; i++) {
		const struct unit_map *m = &u->map[i];
		int f = -1;
		if (!make_map(m, &f)) {
			why = std::string(m->name) + ": " + strerror(errno);
			return;
		}
		fd.push_back(f);
		if (m->type != MAP_TYPE_arena)
			continue;
		n_pages = m->max_entries;
		void *p = mmap((void *)m->map_extra, (size_t)n_pages * ARENA_PAGE, PROT_READ | PROT_WRITE,
			       MAP_SHARED | (m->map_extra ? MAP_FIXED : 0), f, 0);
		if (p == MAP_FAILED) {
			why = "mmap";
			return;
		}
		arena = (uint8_t *)p;
		if (m->init.n)	// as libbpf does it
			memcpy(p, m->init.p, m->init.n);
	}
	ok = u;
}

ArenaKernel::~ArenaKernel()
{
	for (auto &p : prog_fd)
		close(p.second);
	if (arena)
		munmap(arena, (size_t)n_pages * ARENA_PAGE);
	for (int f : fd)
		close(f);
	unit_free(u);
}

// int global(int), int static(int): a program that calls back must have types.
static int types_fd(uint32_t *global, uint32_t *local)
{
	struct btf *b = btf__new_empty();
	uint32_t n;
	int number = btf__add_int(b, "int", 4, BTF_INT_SIGNED), proto = btf__add_func_proto(b, number);
	btf__add_func_param(b, "a", number);
	*global = (uint32_t)btf__add_func(b, "global_function", BTF_FUNC_GLOBAL, proto);
	*local = (uint32_t)btf__add_func(b, "static_function", BTF_FUNC_STATIC, proto);
	const void *raw = btf__raw_data(b, &n);
	int fd = bpf_btf_load(raw, n, nullptr);
	btf__free(b);
	return fd;
}

static int kfunc_id(const char *name)
{
	static struct btf *vmlinux = btf__load_vmlinux_btf();
	return vmlinux ? btf__find_by_name_kind(vmlinux, name, BTF_KIND_FUNC) : -1;
}

int ArenaKernel::load(const std::string &prog, bool runnable, std::string *log)
{
	static char buf[1 << 20];
	const struct unit_prog *p = nullptr;
	for (size_t i = 0; ok && i < u->n_prog; i++)
		if (prog == u->prog[i].name)
			p = &u->prog[i];
	if (!p)
		return -ENOENT;
	std::vector<struct bpf_insn> insn(p->n_insn);
	memcpy(insn.data(), p->insn, p->n_insn * sizeof(insn[0]));
	for (size_t i = 0; i < insn.size(); i++) {
		if (insn[i].code == BPFI_JMP_CALL && insn[i].src_reg == BPFI_CALL_KFUNC)
			insn[i].imm = kfunc_id(u->kfunc[insn[i].imm]);
		if (insn[i].code != BPFI_LD_IMM64)
			continue;
		if (insn[i].src_reg == BPFI_LD_MAP || insn[i].src_reg == BPFI_LD_MAP_VALUE)
			insn[i].imm = fd[(size_t)insn[i].imm];
		i++;
	}
	LIBBPF_OPTS(bpf_prog_load_opts, o);
	std::vector<struct bpf_func_info> info;
	uint32_t global, local;
	int types = types_fd(&global, &local);
	for (size_t i = 0; i < p->n_func; i++)
		info.push_back({p->func[i].insn, i ? local : global});
	o.prog_btf_fd = (uint32_t)types;
	o.func_info = info.data(), o.func_info_cnt = (uint32_t)info.size(), o.func_info_rec_size = sizeof(info[0]);
	o.prog_flags = p->flags & SEC_SLEEPABLE || runnable ? BPF_F_SLEEPABLE : 0;
	buf[0] = 0;
	int f = bpf_prog_load(runnable ? (enum bpf_prog_type)31 /* SYSCALL */ : BPF_PROG_TYPE_KPROBE, "arena", "GPL",
			      insn.data(), insn.size(), &o);
	int err = -errno;
	if (f < 0) {	// once more, for the log
		o.log_level = 1, o.log_size = sizeof(buf), o.log_buf = buf;
		f = bpf_prog_load(runnable ? (enum bpf_prog_type)31 : BPF_PROG_TYPE_KPROBE, "arena", "GPL", insn.data(),
				  insn.size(), &o);
	}
	close(types);
	*log = buf;
	return f < 0 ? err : f;
}

bool ArenaKernel::run(const std::string &prog, uint64_t *r0, std::string *log)
{
	auto at = prog_fd.find(prog);
	int f = at == prog_fd.end() ? load(prog, true, log) : at->second;
	if (f < 0)
		return false;
	prog_fd[prog] = f;
	LIBBPF_OPTS(bpf_test_run_opts, t);
	if (bpf_prog_test_run_opts(f, &t)) {
		*log = strerror(errno);
		return false;
	}
	*r0 = t.retval;
	return true;
}

int ArenaKernel::store(const std::string &map, uint32_t index, uint64_t v)
{
	for (size_t m = 0; m < u->n_map; m++)
		if (map == u->map[m].name)
			return bpf_map_update_elem(fd[m], &index, &v, 0) ? -errno : 0;
	return -ENOENT;
}

int ArenaKernel::load(const std::string &map, uint32_t index, void *value) const
{
	for (size_t m = 0; m < u->n_map; m++)
		if (map == u->map[m].name)
			return bpf_map_lookup_elem(fd[m], &index, value) ? -errno : 0;
	return -ENOENT;
}

std::vector<uint64_t> ArenaKernel::out() const
{
	std::vector<uint64_t> v(ARENA_OUT);
	for (size_t m = 0; m < u->n_map; m++)
		for (uint32_t i = 0; i < ARENA_OUT && !strcmp(u->map[m].name, "out"); i++)
			bpf_map_lookup_elem(fd[m], &i, &v[i]);
	return v;
}

// Asking the kernel: reading a page that is not there may be SIGSEGV.
static bool read_page(const uint8_t *from, std::string *page)
{
	page->assign(ARENA_PAGE, '\0');
	struct iovec to = {&(*page)[0], ARENA_PAGE}, at = {(void *)from, ARENA_PAGE};
	return process_vm_readv(getpid(), &to, 1, &at, 1, 0) == ARENA_PAGE;
}

bool ArenaKernel::is_there(uint32_t page) const
{
	std::string s;
	return read_page(arena + (size_t)page * ARENA_PAGE, &s);
}

std::map<uint32_t, std::string> ArenaKernel::pages() const
{
	std::map<uint32_t, std::string> v;
	std::string page;
	for (uint32_t i = 0; i < n_pages; i++)
		if (read_page(arena + (size_t)i * ARENA_PAGE, &page) && !is_zero(page))
			v[i] = page;
	return v;
}

bool arena_kernel_usable()
{
	static const struct bpf_insn ret0[] = {{BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0}, {BPF_JMP | BPF_EXIT, 0, 0, 0, 0}};
	LIBBPF_OPTS(bpf_map_create_opts, o, .map_flags = MAP_F_MMAPABLE);
	LIBBPF_OPTS(bpf_prog_load_opts, lo, .prog_flags = BPF_F_SLEEPABLE);
	int m = bpf_map_create((enum bpf_map_type)MAP_TYPE_arena, "probe", 0, 0, 1, &o);
	int p = bpf_prog_load((enum bpf_prog_type)31, "probe", "GPL", ret0, 2, &lo);
	if (m >= 0)
		close(m);
	if (p >= 0)
		close(p);
	return m >= 0 && p >= 0 && kfunc_id("bpf_arena_reserve_pages") > 0;
}

// ---- one against the other ----

arena_ran arena_here(const std::string &object, const std::vector<std::string> &progs, unsigned level)
{
	arena_ran r;
	FILE *f = tmpfile();
	int status = 0;
	fflush(nullptr);
	pid_t pid = fork();
	if (!pid) {	// a crash, or a loop without end, is an answer
		struct rlimit limit = {20, 20};
		setrlimit(RLIMIT_CPU, &limit);
		ArenaHere here(object, level, progs);
		uint64_t r0 = 0;
		for (auto &p : progs)
			if (!here.run(p, &r0))
				_exit(1);
		std::string all((const char *)&r0, 8);
		all.append((const char *)here.out().data(), ARENA_OUT * 8);
		for (auto &page : here.pages()) {
			all.append((const char *)&page.first, 4);
			all += page.second;
		}
		_exit(write(fileno(f), all.data(), all.size()) == (ssize_t)all.size() ? 0 : 1);
	}
	r.ok = pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && !WEXITSTATUS(status);
	r.why = WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status)) : "refused";
	r.out.resize(ARENA_OUT);
	rewind(f);
	r.ok = r.ok && fread(&r.r0, 8, 1, f) == 1 && fread(r.out.data(), 8, ARENA_OUT, f) == ARENA_OUT;
	std::string page(ARENA_PAGE, '\0');
	uint32_t i;
	while (r.ok && fread(&i, 4, 1, f) == 1 && fread(&page[0], ARENA_PAGE, 1, f) == 1)
		r.page[i] = page;
	fclose(f);
	return r;
}

arena_ran arena_kernel(const std::string &object, const std::vector<std::string> &progs)
{
	ArenaKernel k(object);
	arena_ran r;
	r.ok = k.ok;
	r.why = k.why;
	for (auto &p : progs)
		r.ok = r.ok && k.run(p, &r.r0, &r.why);
	if (r.ok) {
		r.out = k.out();
		r.page = k.pages();
	}
	return r;
}
