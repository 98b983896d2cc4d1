/* SPDX-License-Identifier: MIT
 *
 * reads.c - reads under a fault handler hold only where nobody takes the handler away.
 *
 * A fault while SIGSEGV is blocked, or under a handler that does not know our code, ends
 * the program.  So neither the program nor a library it needs may name a function that
 * changes signal actions or masks, load further code, or have system calls of its own.
 * The C library may: it does so on behalf of its callers, or around calls of its own in
 * which no hooked code runs. */
#include "reads.h"

#include <string.h>

#include "image_priv.h"
#include "libraries.h"

static const char *const changes_signals[] = {
	"__sigaction", "__sysv_signal", "bsd_signal", "dlmopen", "dlopen", "epoll_pwait",
	"epoll_pwait2", "ppoll", "pselect", "pthread_attr_setsigmask_np", "pthread_sigmask",
	"setcontext", "sigaction", "sigblock", "sighold", "sigignore", "siginterrupt", "signal",
	"sigpause", "sigprocmask", "sigrelse", "sigreturn", "sigset", "sigsetmask", "sigstack",
	"sigsuspend", "sigvec", "ssignal", "swapcontext", "syscall", "sysv_signal",
};

static const char *const c_library[] = {
	"ld-linux-x86-64.so.2", "libc.so.6", "libdl.so.2", "libm.so.6", "libpthread.so.0",
	"librt.so.1", "libc.so", "libc.musl-x86_64.so.1", "ld-musl-x86_64.so.1",
};

#define N_OF(a_) (sizeof(a_) / sizeof((a_)[0]))

static bool among(const char *name, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(name, list[i]))
			return true;
	return false;
}

/* The first of the functions above that the image leaves to others; what cannot be read may be
 * any of them. */
static const char *named(const struct image *im)
{
	static const char unreadable[] = "functions whose names cannot be read";
	const struct image_dyn *d = im->dyn;
	struct bytes str = { image_at(im, d->strtab, d->strsz), d->strsz };

	if (!str.p || !d->n_symbols)
		return unreadable;
	for (uint64_t i = 1; i < d->n_symbols; i++) {
		const uint8_t *at = image_at(im, d->symtab + i * sizeof(Elf64_Sym), sizeof(Elf64_Sym));
		const char *name;
		Elf64_Sym s;

		if (!at)
			return unreadable;
		memcpy(&s, at, sizeof(s));
		if (s.st_shndx != SHN_UNDEF)
			continue;
		name = bytes_str(str, s.st_name);
		if (!name)
			return unreadable;
		if (among(name, changes_signals, N_OF(changes_signals)))
			return name;
	}
	return NULL;
}

/* Bytes that may be a system call: that they are data or the middle of something is not
 * looked into, the answer is only too careful then. */
static bool has_syscall(const struct image *im)
{
	static const uint8_t insn[][2] = { { 0x0f, 0x05 }, { 0x0f, 0x34 }, { 0xcd, 0x80 } };

	for (size_t i = 0; i < im->eh.e_phnum; i++) {
		const Elf64_Phdr *ph = &im->ph[i];

		if (ph->p_type != PT_LOAD || !(ph->p_flags & PF_X))
			continue;
		for (size_t k = 0; k < N_OF(insn); k++)
			if (memmem(im->file.p + ph->p_offset, ph->p_filesz, insn[k], 2))
				return true;
	}
	return false;
}

/* An image that is looked at, in the order of discovery. */
struct closure {
	struct arena *arena;
	struct image **im;
	size_t n, cap;
};

static const char *add_needed(struct closure *c, const struct image *by)
{
	for (size_t i = 0; i < by->n_needed; i++) {
		const char *name = by->needed[i], *path;
		struct diags quiet = { 0 };
		bool known = among(name, c_library, N_OF(c_library));
		struct image *im;

		for (size_t k = 1; k < c->n && !known; k++)
			known = c->im[k]->soname && !strcmp(c->im[k]->soname, name);
		if (known)
			continue;
		path = library_find(c->arena, name);
		if (!path || image_read(c->arena, path, &im, &quiet) < 0 || !im->dyn)
			return arena_printf(c->arena, "%s, which %s needs, cannot be looked into", name,
					    by->path);
		if (!im->soname)
			im->soname = name;
		*ARENA_PUSH(c->arena, c->im, c->n, c->cap) = im;
	}
	return NULL;
}

const char *reads_fast_refused(struct image *im)
{
	struct closure c = { .arena = im->arena };

	if (im->kind == IMAGE_DSO)
		return "it is a library, and nothing is known of the programs that use it";
	if (!im->dyn || !im->n_needed)
		return "it is linked statically: what changes signal handlers cannot be told by name";
	*ARENA_PUSH(c.arena, c.im, c.n, c.cap) = im;
	for (size_t i = 0; i < c.n; i++) {
		const char *why = named(c.im[i]);

		if (why)
			return arena_printf(c.arena, "%s calls %s", c.im[i]->path, why);
		if (c.im[i]->dyn->runpath)
			return arena_printf(c.arena, "%s says itself where its libraries are",
					    c.im[i]->path);
		if (has_syscall(c.im[i]))
			return arena_printf(c.arena, "%s may make system calls of its own",
					    c.im[i]->path);
		if ((why = add_needed(&c, c.im[i])))
			return why;
	}
	return NULL;
}
