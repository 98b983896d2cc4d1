/* SPDX-License-Identifier: MIT
 *
 * payload.h - a payload made by hand: one object with a few maps and attach points, laid
 * out in static memory as the payload linker would. */
#ifndef TEST_RUNTIME_PAYLOAD_H
#define TEST_RUNTIME_PAYLOAD_H

#include "objfmt.h"
#include "rt.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { TP_MAPS = 8, TP_ATTACH = 4, TP_HOOKS = 4, TP_ROOM_BYTES = 2 * 4096 };

struct test_payload {
	struct rt_control control;
	char control_rest[2 * 4096 - sizeof(struct rt_control)];
	char room[TP_MAPS][TP_ROOM_BYTES];
	void *slot[TP_MAPS];
	struct bpftime_map map[TP_MAPS];
	char name[TP_MAPS][32];
	struct objfmt_object object;
	struct objfmt_inside inside[TP_MAPS];
	struct objfmt_hook hook[TP_HOOKS];
	struct objfmt_stamp stamp;
	struct bpftime_attach attach[TP_ATTACH];
	int32_t objects[1];
	char object_name[32], dir[256];
};
extern struct test_payload tp;

/* Adds a map; in a room when room_bytes > 0. */
struct bpftime_map *tp_map(const char *name, uint32_t type, uint32_t key, uint32_t value,
			   uint32_t entries, uint32_t room_bytes);
/* Makes `outer` a map of maps like `like`, which are `in` at first. */
void tp_inside(struct bpftime_map *outer, struct bpftime_map *like, const struct objfmt_inside *in,
	       uint32_t n);
/* Adds a program; the first bytes of its hash are `id`. */
void tp_hook(uint8_t kind, uint32_t id, uint64_t (*body)(void *));
/* Fills bpftime_rt1_payload.  dir NULL: the default. */
void tp_finish(const char *dir, uint32_t n_attach);
const uint32_t *tp_words(void);

uint64_t rt_init(void) __attribute__((visibility("hidden")));
uint64_t rt_cold(uint64_t attach) __attribute__((visibility("hidden")));
/* The thunks, called as a C compiler that knows nothing of preserve_most would. */
uint64_t bpftime_rt1_init(void) __attribute__((visibility("hidden")));
uint64_t bpftime_rt1_cold(uint64_t attach) __attribute__((visibility("hidden")));

#ifdef __cplusplus
}
#endif
#endif
