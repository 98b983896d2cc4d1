/* SPDX-License-Identifier: MIT
 *
 * hooks, enable, disable: the control files. */
#include <inttypes.h>
#include <stdlib.h>

#include "cmd.h"
#include "control.h"
#include "json.h"
#include "text.h"

static bool enabled(const struct control_hook *h)
{
	return __atomic_load_n(h->word, __ATOMIC_RELAXED) != 0;
}

static void json_hook(struct json *j, const struct control_hook *h)
{
	json_open(j, NULL, '{');
	json_str(j, "hook", h->id);
	json_bool(j, "enabled", enabled(h));
	json_str(j, "kind", h->kind);
	json_str(j, "symbol", *h->symbol ? h->symbol : NULL);
	json_hex(j, "vaddr", h->vaddr);
	json_str(j, "object", h->object);
	json_str(j, "program", h->prog);
	json_u64(j, "cookie", h->cookie);
	json_close(j, '}');
}

static void json_control(struct json *j, const struct control *c)
{
	json_open(j, NULL, '{');
	json_str(j, "payload", c->id);
	json_str(j, "target", c->target);
	json_open(j, "pids", '[');
	for (size_t i = 0; i < c->n_pid; i++)
		json_i64(j, NULL, c->pid[i]);
	json_close(j, ']');
	json_u64(j, "misses", c->file->misses);
	json_u64(j, "busy", c->file->busy);
	json_u64(j, "private_maps", c->file->private_maps);
	json_u64(j, "unmapped", c->file->unmapped);
	json_open(j, "hooks", '[');
	for (size_t i = 0; i < c->n_hook; i++)
		json_hook(j, &c->hook[i]);
	json_close(j, ']');
	json_close(j, '}');
}

static void text_hook(const struct control_hook *h)
{
	printf("  %-12s %-8s  %-9s  ", h->id, enabled(h) ? "enabled" : "disabled", h->kind);
	text_put_clean(stdout, *h->symbol ? h->symbol : "-");
	printf(" @0x%" PRIx64 "  ", h->vaddr);
	text_put_clean(stdout, h->object);
	putchar('/');
	text_put_clean(stdout, h->prog);
	putchar('\n');
}

static void text_control(const struct control *c)
{
	text_put_clean(stdout, *c->target ? c->target : "(unknown target)");
	printf("  payload %s ", c->id);
	if (!c->n_pid)
		printf(" no process runs it");
	else
		printf(" pid");
	for (size_t i = 0; i < c->n_pid; i++)
		printf(" %d", c->pid[i]);
	putchar('\n');
	for (size_t i = 0; i < c->n_hook; i++)
		text_hook(&c->hook[i]);
	if (c->file->misses)
		printf("  %" PRIu64 " return hooks were skipped: too many calls at a time\n",
		       c->file->misses);
	if (c->file->busy)
		printf("  %" PRIu64 " map operations ended with EBUSY\n", c->file->busy);
	if (c->file->private_maps)
		printf("  %" PRIu64 " maps were private to their process: they had no file\n",
		       c->file->private_maps);
	if (c->file->unmapped)
		printf("  %" PRIu64 " lookups found a map that their process could not map\n",
		       c->file->unmapped);
}

static void print(const struct control_list *l, bool json)
{
	struct json j = json_on(stdout);

	for (size_t i = 0; i < l->n && !json; i++)
		text_control(&l->control[i]);
	if (!json)
		return;
	json_open(&j, NULL, '{');
	json_u64(&j, "schema", 1);
	json_open(&j, "payloads", '[');
	for (size_t i = 0; i < l->n; i++)
		json_control(&j, &l->control[i]);
	json_close(&j, ']');
	json_close(&j, '}');
}

int cmd_hooks(const struct opts *o, struct diags *dg)
{
	struct control_list l;
	struct session s;
	char *end = NULL;
	long pid = 0;
	int r;

	if (o->n_arg) {
		pid = strtol(o->arg[0], &end, 10);
		if (*end || pid <= 0 || pid > INT_MAX)
			return diag(dg, DIAG_U001, at_file(o->arg[0]), "not a process id");
	}
	r = session_begin(&s, o, "hooks", 0, 1, dg);
	if (r < 0)
		return r;
	r = control_list(&s.dir, s.a, &l, dg);
	if (r >= 0)
		control_add_waiting(&s.dir, &l, s.a, (int)pid);
	if (r >= 0)
		r = control_find_users(&l, s.a, (int)pid, dg);
	if (r >= 0)
		print(&l, s.json);
	control_close(&l);
	session_end(&s);
	return r;
}

static const char *why_apart(struct arena *a, const struct control *c)
{
	return *c->awaited ? arena_printf(a, "process %d will look for its state in %s: --dir names it", c->pid[0], c->awaited)
			   : arena_printf(a, "process %d keeps its state to itself, or in another directory", c->pid[0]);
}

/* Stores `word` for each hook that a name means; prints the hooks as they are then. */
static int store(struct session *s, struct control_list *l, const char *spec, uint32_t word, struct diags *dg)
{
	const char *apart = NULL;
	size_t n = 0;
	int r;

	for (size_t i = 0; i < l->n; i++) {
		struct control *c = &l->control[i];

		for (size_t k = 0; k < c->n_hook; k++) {
			if (!control_matches(c, &c->hook[k], spec))
				continue;
			if (c->awaited && !c->here) {
				apart = why_apart(s->a, c);
				break;
			}
			if (c->awaited && (r = control_make(&s->dir, s->a, c, dg)) < 0)
				return r;
			__atomic_store_n(c->hook[k].word, word, __ATOMIC_RELEASE);
			text_hook(&c->hook[k]);
			n++;
		}
	}
	if (n)
		return 0;
	return diag(dg, DIAG_M009, at_file(spec), "%s",
		    apart ? apart : l->n ? "see bpftime-ctl hooks" : "there are none: no patched program has run");
}

static int set_words(const struct opts *o, const char *command, uint32_t word, struct diags *dg)
{
	struct control_list l;
	struct session s;
	int r = session_begin(&s, o, command, 1, ANY_NUMBER, dg);

	if (r < 0)
		return r;
	r = control_list(&s.dir, s.a, &l, dg);
	if (r >= 0)
		control_add_waiting(&s.dir, &l, s.a, 0);
	for (size_t i = 0; r >= 0 && i < o->n_arg; i++)
		r = store(&s, &l, o->arg[i], word, dg);
	control_close(&l);
	session_end(&s);
	return r;
}

int cmd_enable(const struct opts *o, struct diags *dg)
{
	return set_words(o, "enable", RT_ENABLED, dg);
}

int cmd_disable(const struct opts *o, struct diags *dg)
{
	return set_words(o, "disable", 0, dg);
}
