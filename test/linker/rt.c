/* SPDX-License-Identifier: MIT
 *
 * A runtime for tests of the linker: what the real one has, as small as can be. */
#include "objfmt.h"
#include "rt.h"

#define HIDDEN __attribute__((visibility("hidden")))

extern HIDDEN const struct bpftime_payload bpftime_rt1_payload;
extern HIDDEN uint32_t bpftime_rt1_control[];
extern HIDDEN const int32_t __start_test_group[], __stop_test_group[];
extern HIDDEN const int32_t __start_test_none[], __stop_test_none[];

#define MAP(id_, name_, key_, value_, place_)                                             \
	HIDDEN uint64_t bpftime_rt1_kind_##name_(void);                                    \
	HIDDEN uint64_t bpftime_rt1_room_##name_(void);                                    \
	uint64_t bpftime_rt1_kind_##name_(void) { return id_; }                            \
	uint64_t bpftime_rt1_room_##name_(void) { return id_; }
#include "maps.def"

uint64_t bpftime_rt1_hits = 5;
uint64_t rt_zeros[600];

uint64_t bpftime_rt1_init(void);
uint64_t bpftime_rt1_cold(uint64_t attach);
uint64_t bpftime_rt1_tramp_sum(void);
uint64_t rt_unused(void);

/* The first object's name, as the running payload finds it. */
static const char *first_name(void)
{
	const int32_t *list = BPFTIME_REL(const int32_t, bpftime_rt1_payload.objects_rel);
	const struct objfmt_object *o = BPFTIME_REL(const struct objfmt_object, list[0]);

	return BPFTIME_REL(const char, o->name_rel);
}

uint64_t bpftime_rt1_init(void)
{
	for (uint32_t i = 0; i < bpftime_rt1_payload.n_attach; i++)
		bpftime_rt1_control[RT_CONTROL_WORDS_OFF / 4 + i] = RT_ENABLED;
	return (uint64_t)(unsigned char)first_name()[0];
}

uint64_t bpftime_rt1_cold(uint64_t attach)
{
	uint64_t nowhere;

	__asm__(".weak bpftime_rt1_nowhere\n\tmov bpftime_rt1_nowhere@GOTPCREL(%%rip), %0"
		: "=r"(nowhere));
	rt_zeros[599] = attach;
	return nowhere ? 0 : rt_zeros[599];
}

uint64_t bpftime_rt1_tramp_weak(void);
uint64_t bpftime_rt1_tramp_weak(void)
{
	uint64_t (*f)(void);

	__asm__(".weak rt_optional\n\tmov rt_optional@GOTPCREL(%%rip), %0" : "=r"(f));
	return f ? f() : 0;
}

uint64_t bpftime_rt1_tramp_sum(void)
{
	uint64_t sum = 0;

	for (const int32_t *p = __start_test_group; p < __stop_test_group; p++)
		sum += (uint64_t)*p;
	return sum + (uint64_t)(__stop_test_none - __start_test_none) * 1000000;
}

__attribute__((section("test_group"), used)) static const int32_t one = 1;
__attribute__((section("test_group"), used)) static const int32_t two = 20;
