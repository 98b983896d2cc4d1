/* SPDX-License-Identifier: MIT */
#include "job.h"

#include "builtin.h"
#include "file.h"
#include "hooks.h"
#include "hosts.h"
#include "sha256.h"

void job_begin(struct patch_job *j)
{
	j->lnk = lnk_new(j->a, j->req->archive);
	j->plan = arena_alloc(j->a, sizeof(*j->plan));
	j->plan->im = j->im;
	j->plan->lnk = j->lnk;
}

/* What tells the target from others in the map directory of the built-in hook. */
struct bytes job_target_id(const struct image *im)
{
	uint8_t *hash = arena_alloc(im->arena, 32);

	if (im->build_id.n)
		return im->build_id;
	sha256(im->file.p, im->file.n, hash);
	return (struct bytes){ hash, 32 };
}

static bool asks_for_return(const struct patch_job *j)
{
	for (size_t i = 0; i < j->req->n_arg; i++)
		if (j->req->arg[i].kind == HOOK_uretprobe)
			return true;
	return false;
}

/* An object that comes again gets its further wants. */
int job_add_objects(struct patch_job *j)
{
	size_t n_req = j->req->n_object ? j->req->n_object : 1;
	uint32_t *asked = arena_array(j->a, n_req, sizeof(*asked));
	uint32_t *first = NULL;
	int r;

	for (size_t i = 0; i < j->req->n_object; i++) {
		struct bytes b;

		if ((r = file_read(j->a, j->req->object[i], &b, NULL, j->dg)) < 0)
			return r;
		asked[i] = record_add_object(j->a, &j->rec, j->req->object[i], b);
	}
	if (!j->req->n_object)
		asked[0] = record_add_object(j->a, &j->rec, "count (built in)",
					     lnk_builtin_count(j->a, j->id.n ? j->id : job_target_id(j->im),
							       asks_for_return(j)));
	first = arena_array(j->a, j->rec.n_object + 1, sizeof(*first));
	for (size_t i = 0; i < j->rec.n_object; i++) {
		const struct record_object *o = &j->rec.object[i];

		first[i] = (uint32_t)lnk_n_hooks(j->lnk);
		if ((r = lnk_add_object(j->lnk, o->path, o->obj, j->req->allow_unverified, j->dg)) < 0)
			return r;
	}
	first[j->rec.n_object] = (uint32_t)lnk_n_hooks(j->lnk);
	j->first_hook = first;
	j->asked = asked;
	j->n_asked = n_req;
	return hosts_find(j->lnk, j->im, j->dg);
}

int job_attach(struct patch_job *j, struct attach_arg *arg, size_t n_arg)
{
	int n = 0, r;

	for (size_t i = 0; i < j->n_asked; i++) {
		uint32_t o = j->asked[i];

		r = attach_object(&j->rec, o, j->lnk, j->first_hook[o], j->first_hook[o + 1], j->im,
				  arg, n_arg, j->dg);
		if (r < 0)
			return r;
		n += r;
	}
	return n;
}

void job_warn_untaken(const struct patch_job *j)
{
	for (size_t i = 0; i < j->req->n_arg; i++)
		if (!j->req->arg[i].taken)
			diag_warn(j->dg, at_file(j->im->path), "--%s %s: no object has a program for it",
				  j->req->arg[i].option, j->req->arg[i].text);
}

int job_find_want(struct patch_job *j, const struct record_want *rw, struct diags *dg)
{
	struct want w = { j->first_hook[rw->object] + rw->hook, rw->ret, rw->at, rw->symbol,
			  rw->has_vaddr, rw->vaddr, rw->off_bytes, rw->cookie };

	if (rw->hook >= j->first_hook[rw->object + 1] - j->first_hook[rw->object])
		return diag(dg, DIAG_P020, at_file(j->im->path),
			    "its record names a hook that its object does not have");
	return sites_find(j->plan, &w, dg);
}

int job_find_sites(struct patch_job *j)
{
	for (size_t i = 0; i < j->rec.n_want; i++) {
		int r = job_find_want(j, &j->rec.want[i], j->dg);

		if (r < 0)
			return r;
	}
	if (!j->rec.n_want)
		return diag(j->dg, DIAG_P023, at_file(j->im->path), "give --uprobe or --uretprobe, "
			    "or an object whose SEC() names say where");
	return 0;
}

int job_check_cost(const struct patch_job *j)
{
	const struct site *first = NULL;
	size_t n = 0;

	for (size_t i = 0; i < j->plan->n_site; i++)
		if (j->plan->site[i].over_cost) {
			first = first ? first : &j->plan->site[i];
			n++;
		}
	if (!n)
		return 0;
	return diag(j->dg, DIAG_P027, at_file(j->im->path), "%s: about %.1f ns%s",
		    first->symbol ? first->symbol : "unnamed function", first->cost.ns,
		    n > 1 ? arena_printf(j->a, ", and %zu more; --plan shows all", n - 1) : "");
}

int job_nothing_patched(const struct patch_job *j)
{
	const struct site *s = &j->plan->site[0];

	return diag(j->dg, DIAG_P025, at_file(j->im->path), "%s: %s%s",
		    s->symbol ? s->symbol : "unnamed function", s->refused,
		    j->plan->n_site > 1 ? "; --plan shows the reasons of all" : "");
}
