// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "maps.h"
#include "payload.h"

TEST(RtInit, EnablesAfterMapsAreThere)
{
	tp_map("room", MAP_TYPE_array, 4, 8, 16, 4096);
	tp_map("slot", MAP_TYPE_array, 4, 8, 16, 0);
	tp_finish("/proc/nowhere", 3);
	EXPECT_EQ(tp_words()[2], 0u);
	EXPECT_EQ(bpftime_rt1_cold(2), 1u);
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(tp_words()[i], RT_ENABLED);
	ASSERT_NE(tp.slot[1], nullptr);
	EXPECT_EQ(((uint64_t *)tp.slot[1])[15], 0u);
	EXPECT_EQ(bpftime_rt1_init(), 1u);
}
