// SPDX-License-Identifier: MIT
// The same digests as coreutils, at every length around the block boundaries.
#include <gtest/gtest.h>

#include <string>

#include "../shell.h"
#include "sha256.h"

static std::string hex(const uint8_t d[32])
{
	std::string s;
	for (int i = 0; i < 32; i++) {
		char b[3];
		snprintf(b, sizeof(b), "%02x", d[i]);
		s += b;
	}
	return s;
}

TEST(Sha256, AgreesWithCoreutils)
{
	for (size_t n : { 0, 1, 3, 54, 55, 56, 57, 63, 64, 65, 119, 120, 121, 128, 1000, 70000 }) {
		std::string text(n, 'a'), out;
		uint8_t d[32];
		for (size_t i = 0; i < n; i++)
			text[i] = (char)('a' + i % 26);
		std::string cmd = "printf %s " + (n ? text : "''") + " | sha256sum";
		if (n > 2000) {
			FILE *f = fopen("/tmp/bpftime-sha256.in", "w");
			fputs(text.c_str(), f);
			fclose(f);
			cmd = "sha256sum < /tmp/bpftime-sha256.in; rm /tmp/bpftime-sha256.in";
		}
		std::string want = stdout_of(cmd).text.substr(0, 64);
		sha256(text.data(), n, d);
		EXPECT_EQ(hex(d), want) << n;
		struct sha256 s;
		sha256_init(&s);
		for (size_t i = 0; i < n; i += 7)
			sha256_add(&s, text.data() + i, n - i < 7 ? n - i : 7);
		sha256_done(&s, d);
		EXPECT_EQ(hex(d), want) << n << " in pieces";
	}
}
