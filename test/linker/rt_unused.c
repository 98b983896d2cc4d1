/* SPDX-License-Identifier: MIT
 *
 * A member of the archive that nobody needs, with a section that would be seen. */
#include <stdint.h>

uint64_t rt_unused(void), rt_optional(void);
uint64_t rt_optional(void) { return 0x77; }
uint64_t rt_unused(void) { return 0x5566778811223344; }
__attribute__((section("test_group"), used)) static const int32_t three = 300;
