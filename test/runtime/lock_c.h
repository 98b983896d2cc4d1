/* SPDX-License-Identifier: MIT
 * The inline functions of lock.h, which is no C++. */
#include <stdint.h>

int test_lock(uint64_t *lock);
void test_unlock(uint64_t *lock);
/* Where -EBUSY is counted; NULL: nowhere. */
void test_count_busy(uint64_t *n);
