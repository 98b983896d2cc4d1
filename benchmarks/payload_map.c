/* SPDX-License-Identifier: MIT
 *
 * payload_map BINARY [--uprobe SYMBOL | --uretprobe SYMBOL | OBJECT]...: what a payload for these
 * hooks is made of, a line a section in the order of their addresses:
 *
 *     part  bytes  file(member)  section
 *
 * part: RX, RW (in the file), ZERO (RW, not in the file), ROOM (a map's room). */
#include <stdio.h>
#include <string.h>

#include "hooks.h"
#include "lnk.h"
#include "patch.h"
#include "rt_archive.h"

static const char *part_of(const struct lnk *l, const struct obj_sec *s)
{
	if (s->part == PART_RX)
		return "RX";
	if (!strncmp(s->name, ".bpftime.room", 13))
		return "ROOM";
	return s->off < l->rw_file_bytes ? "RW" : "ZERO";
}

int main(int argc, char **argv)
{
	struct arena *a = arena_new();
	struct diags dg = { .out = stderr };
	struct attach_arg *arg = arena_array(a, (size_t)argc, sizeof(*arg));
	const char **object = arena_array(a, (size_t)argc, sizeof(*object));
	struct patch_request req = {
		.binary = argc > 1 ? argv[1] : "", .arg = arg, .object = object, .output = "unused",
		.archive = rt_archive(),
	};
	struct patch_result res;
	const struct lnk *l;
	uint64_t padding;

	for (int i = 2; i < argc; i++) {
		bool ret = !strcmp(argv[i], "--uretprobe");

		if (!ret && strcmp(argv[i], "--uprobe")) {
			object[req.n_object++] = argv[i];
		} else if (i + 1 < argc) {
			arg[req.n_arg++] = (struct attach_arg){
				.option = argv[i] + 2, .kind = ret ? HOOK_uretprobe : HOOK_uprobe,
				.text = argv[i + 1],
			};
			i++;
		}
	}
	if (patch_binary(a, &req, true, &res, &dg) < 0)
		return 1;
	l = res.plan->lnk;
	padding = l->rx_bytes;
	for (size_t i = 0; i < l->n_order; i++) {
		padding -= l->order[i]->part == PART_RX ? l->order[i]->bytes : 0;
		if (l->order[i]->bytes)
			printf("%s\t%llu\t%s\t%s\n", part_of(l, l->order[i]),
			       (unsigned long long)l->order[i]->bytes, l->order_file[i]->path,
			       l->order[i]->name);
	}
	printf("RX\t%llu\tthe payload\tpadding\n", (unsigned long long)padding);
	return 0;
}
