/* SPDX-License-Identifier: MIT */
#include "patch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "file.h"
#include "job.h"
#include "libraries.h"
#include "progress.h"
#include "reads.h"
#include "segment.h"
#include "unwind_table.h"

const char *patch_find_binary(struct arena *a, const char *name)
{
	const char *path = getenv("PATH");
	char *list, *save = NULL;

	if (!*name)
		return NULL;
	if (strchr(name, '/') || !access(name, F_OK))
		return name;
	list = arena_printf(a, "%s:/usr/sbin:/sbin:/usr/local/sbin", path ? path : "/usr/bin:/bin");
	for (char *d = strtok_r(list, ":", &save); d; d = strtok_r(NULL, ":", &save)) {
		const char *p = arena_printf(a, "%s/%s", d, name);

		if (!access(p, F_OK))
			return p;
	}
	return strstr(name, ".so") ? library_find(a, name) : NULL;
}

/* Reads the target.  A file of ours yields its original and the record it was made from. */
static int read_target(struct arena *a, const char *path, struct image **im, struct record *rec,
		       struct diags *dg)
{
	struct bytes meta, original;
	int r = image_read(a, path, im, dg);

	if (r < 0)
		return r;
	*rec = (struct record){ 0 };
	r = segment_meta(a, *im, &meta, dg);
	if (r <= 0)
		return r;
	if ((r = record_read(a, meta, path, rec, dg)) < 0 ||
	    (r = segment_revert(a, *im, &original, dg)) < 0)
		return r;
	return image_parse(a, path, original, &(*im)->st, im, dg);
}

/* A set-id or capability-bearing file runs with more rights than its user: its maps stay
 * private, and only on request is it touched at all. */
static int check_privileged(const struct image *im, bool allow, uint32_t *bits, struct diags *dg)
{
	bool set_id = im->st.st_mode & (S_ISUID | S_ISGID);
	bool caps = getxattr(im->path, "security.capability", NULL, 0) > 0;

	if (!set_id && !caps)
		return 0;
	if (!allow)
		return diag(dg, DIAG_P022, at_file(im->path), "%s; --allow-setuid patches it, with private maps",
			    set_id ? "it is set-uid or set-gid" : "it has file capabilities");
	*bits |= PAYLOAD_PRIVATE;
	return 0;
}

static int check_reads(struct image *im, enum patch_reads reads, uint32_t *bits, struct diags *dg)
{
	const char *why = reads == READS_FAST ? reads_fast_refused(im) : NULL;

	if (why)
		return diag(dg, DIAG_P026, at_file(im->path), "%s; --reads strict always holds", why);
	*bits |= reads == READS_FAST ? PAYLOAD_READS_FAST : 0;
	return 0;
}

/* The runtime initialises at the program's entry or the library's DT_INIT, before the first
 * hit where that is possible. */
static void bring_init_forward(struct patch_job *j, struct segment_fill *fill)
{
	if (j->im->kind == IMAGE_DSO) {
		lnk_set_start(j->lnk, 0, j->im->init_vaddr);
		lnk_symbol(j->lnk, "bpftime_rt1_start_dso", &fill->init_vaddr);
	} else {
		lnk_set_start(j->lnk, j->im->eh.e_entry, 0);
		lnk_symbol(j->lnk, "bpftime_rt1_start", &fill->entry_vaddr);
	}
}

/* Where there is no place for one more header, programs at entries do without unwind data: exceptions do not
 * pass their trampolines.  *n_cfi is 0 then. */
static int find_room(struct patch_job *j, const struct lnk_size *size, size_t *n_cfi, struct segment_plan **sp,
		     struct segment_place *place)
{
	bool calls, slots;
	struct diags quiet = { 0 };

	plan_returns(j->plan, &calls, &slots);
	if (*n_cfi && !calls && !slots &&
	    segment_plan(j->a, j->im, size, *n_cfi, sp, place, &quiet) == -DIAG_P105 &&
	    segment_plan(j->a, j->im, size, 0, sp, place, &quiet) >= 0) {
		*n_cfi = 0;
		diag_warn(j->dg, at_file(j->im->path), "there is no room for unwind data: a backtrace that begins "
			  "while a program runs ends there");
		return 0;
	}
	return segment_plan(j->a, j->im, size, *n_cfi, sp, place, j->dg);
}

/* From a decided plan to the bytes of the patched file. */
static int build(struct patch_job *j, uint32_t bits, struct bytes *file)
{
	struct image *im = j->im;
	struct lnk_target target = { .bits = bits, .dir = j->rec.dir, .path = im->path,
				     .build_id = im->build_id, .start = im->kind == IMAGE_DSO ?
				     "bpftime_rt1_start_dso" : "bpftime_rt1_start" };
	struct segment_fill fill = { 0 };
	struct segment_plan *sp;
	struct segment_place place;
	struct lnk_size size;
	struct edits edits = { 0 };
	size_t n_cfi;
	int r;

	plan_cfi(j->plan, &n_cfi);
	unwind_make(j->plan);
	if ((r = lnk_layout(j->lnk, &target, j->plan->tramp_bytes, j->plan->cfi_bytes, &size,
			    j->dg)) < 0 ||
	    (r = find_room(j, &size, &n_cfi, &sp, &place)) < 0 ||
	    (r = lnk_place(j->lnk, place.rx_vaddr, place.rw_vaddr, j->dg)) < 0 ||
	    (r = plan_emit(j->plan, &edits, j->dg)) < 0)
		return r;
	unwind_place(j->plan);
	if (place.one_slot)
		lnk_set_one_segment(j->lnk);
	bring_init_forward(j, &fill);
	if ((r = lnk_finish(j->lnk, &fill.rx, &fill.rw, j->dg)) < 0)
		return r;
	fill.edits = &edits;
	fill.cfi = plan_cfi(j->plan, &fill.n_cfi);
	fill.n_cfi = n_cfi;
	fill.meta = record_write(j->a, &j->rec);
	return segment_write(sp, &fill, file, j->dg);
}

/* An existing file is replaced only when it is one of ours. */
static int check_not_foreign(struct arena *a, const char *path, struct diags *dg)
{
	struct image *old;
	struct bytes meta;
	struct diags quiet = { 0 };
	struct stat st;

	if (stat(path, &st) || !S_ISREG(st.st_mode))
		return 0;
	if (image_read(a, path, &old, &quiet) < 0 || segment_meta(a, old, &meta, &quiet) != 1)
		return diag(dg, DIAG_P024, at_file(path), "choose another name with -o, or remove it");
	return 0;
}

/* In place: who comes second waits, and starts from what the first one wrote.  The lock is the
 * file's, so it must still be the one of that name.  Held until this process ends; without a
 * lock (an unreadable file, a filesystem that has none) it goes on. */
static void wait_for_others(const char *path)
{
	struct stat named, locked;
	int fd;

	progress_step("waiting for others who change %s", path);
	while ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)) >= 0) {
		if (fstat(fd, &locked) || !S_ISREG(locked.st_mode) || flock(fd, LOCK_EX) ||
		    stat(path, &named) ||
		    (named.st_ino == locked.st_ino && named.st_dev == locked.st_dev))
			return;
		close(fd);
	}
}

/* What does not take the lock may still have changed it. */
static int check_unchanged(const struct image *im, struct diags *dg)
{
	const struct stat *was = &im->st;
	struct stat st;

	if (stat(im->path, &st))
		return diag(dg, DIAG_E001, at_file(im->path), "%s", strerror(errno));
	if (st.st_ino != was->st_ino || st.st_dev != was->st_dev || st.st_size != was->st_size ||
	    st.st_mtim.tv_sec != was->st_mtim.tv_sec || st.st_mtim.tv_nsec != was->st_mtim.tv_nsec)
		return diag(dg, DIAG_E002, at_file(im->path), "somebody else changed it meanwhile");
	if (st.st_nlink > 1)
		diag_warn(dg, at_file(im->path), "it has %lu names; the others keep the old contents",
			  (unsigned long)st.st_nlink);
	return 0;
}

/* Where the result goes. */
static int choose_output(struct patch_job *j, const char *binary, bool plan_only, const char **out)
{
	if (j->req->in_place) {
		*out = binary;
		return 0;
	}
	*out = j->req->output ? j->req->output
			      : arena_printf(j->a, "%s.patched", path_base(binary));
	return plan_only ? 0 : check_not_foreign(j->a, *out, j->dg);
}

static int write_output(struct patch_job *j, const char *output, struct bytes file)
{
	int r = j->req->in_place ? check_unchanged(j->im, j->dg)
				 : check_not_foreign(j->a, output, j->dg);

	progress_step("writing %s", output);
	return r < 0 ? r
		     : file_write(output, file.p, file.n, j->im->st.st_mode & 07777, j->im->path, j->dg);
}

int patch_binary(struct arena *a, const struct patch_request *req, bool plan_only,
		 struct patch_result *out, struct diags *dg)
{
	struct patch_job j = { .a = a, .req = req, .dg = dg };
	const char *path = patch_find_binary(a, req->binary);
	struct bytes file;
	uint32_t bits;
	int r;

	*out = (struct patch_result){ .reads = req->reads == READS_FAST ? "fast" : "strict" };
	if (!path)
		return diag(dg, DIAG_E001, at_file(req->binary),
			    "no such file here, in PATH, in the sbin folders or among the libraries");
	if (req->in_place && !plan_only)
		wait_for_others(path);
	progress_step("reading %s", path);
	if ((r = read_target(a, path, &j.im, &j.rec, dg)) < 0 ||
	    (r = choose_output(&j, path, plan_only, &out->output)) < 0)
		return r;
	bits = j.rec.bits & PAYLOAD_PRIVATE;
	if ((r = check_reads(j.im, req->reads, &bits, dg)) < 0 ||
	    (r = check_privileged(j.im, req->allow_setuid, &bits, dg)) < 0)
		return r;
	if (req->map_dir)
		j.rec.dir = req->map_dir;
	j.rec.bits = bits;
	job_begin(&j);
	if ((r = job_add_objects(&j)) < 0 || (r = job_attach(&j, req->arg, req->n_arg)) < 0)
		return r;
	job_warn_untaken(&j);
	if ((r = job_find_sites(&j)) < 0 || (r = plan_make(j.plan, &req->plan, dg)) < 0)
		return r;
	out->plan = j.plan;
	if ((r = job_check_cost(&j)) < 0)
		return r;
	if (!j.plan->n_patched)
		return job_nothing_patched(&j);
	progress_step("putting %s together", path_base(out->output));
	if ((r = build(&j, bits, &file)) < 0)
		return r;
	out->growth_bytes = file.n - j.im->file.n;
	return plan_only ? 0 : write_output(&j, out->output, file);
}

int patch_read_ours(struct arena *a, const char *path, struct image **im, struct bytes *meta,
		    struct diags *dg)
{
	int r = image_read(a, path, im, dg);

	if (r < 0 || (r = segment_meta(a, *im, meta, dg)) < 0)
		return r;
	return r ? 0 : diag(dg, DIAG_P021, at_file(path), "it holds no hooks of ours");
}

int patch_revert(struct arena *a, const char *path, const char *output, struct diags *dg)
{
	struct image *im;
	struct bytes meta, original;
	int r;

	if (!output)
		wait_for_others(path);
	progress_step("restoring %s", path);
	r = patch_read_ours(a, path, &im, &meta, dg);
	if (r < 0 || (r = segment_revert(a, im, &original, dg)) < 0 ||
	    (r = output ? check_not_foreign(a, output, dg) : check_unchanged(im, dg)) < 0)
		return r;
	return file_write(output ? output : path, original.p, original.n, im->st.st_mode & 07777,
			  path, dg);
}
