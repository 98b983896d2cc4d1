/* SPDX-License-Identifier: MIT
 *
 * micro.c - small computations of the kinds that programs are made of. */
#include "micro.h"

MICRO(sum)
{
	u64 *v = (u64 *)mem, s = 0;

	for (u32 i = 0; i < 256; i++)
		s += v[i];
	return s;
}

MICRO(fnv1a)
{
	u64 h = 0xcbf29ce484222325;

	for (u32 i = 0; i < 256; i++)
		h = (h ^ mem[i]) * 0x100000001b3;
	return h;
}

MICRO(crc32)
{
	u32 c = ~0u;

	for (u32 i = 0; i < 64; i++) {
		c ^= mem[i];
		for (u32 k = 0; k < 8; k++)
			c = c >> 1 ^ (0xedb88320 & -(c & 1));
	}
	return c;
}

MICRO(copy)
{
	for (u32 i = 0; i < 1024; i++)
		mem[2048 + i] = mem[i];
	return mem[3000];
}

MICRO(fill)
{
	u64 *v = (u64 *)(mem + 2048);

	for (u32 i = 0; i < 128; i++)
		v[i] = 0;
	return v[17] + len;
}

MICRO(compare)
{
	u32 i;

	for (i = 0; i < 256; i++)
		if (mem[i] != mem[1024 + i])
			break;
	return i;
}

MICRO(find)
{
	u32 i;

	for (i = 0; i < 1024; i++)
		if (mem[i] == 0xff)
			break;
	return i;
}

MICRO(checksum)
{
	u16 *v = (u16 *)mem;
	u32 s = 0;

	for (u32 i = 0; i < 750; i++)
		s += v[i];
	s = (s & 0xffff) + (s >> 16);
	return (u16)~(s + (s >> 16));
}

MICRO(swap_bytes)
{
	u64 *v = (u64 *)mem, s = 0;

	for (u32 i = 0; i < 128; i++)
		s ^= __builtin_bswap64(v[i]) + __builtin_bswap32((u32)v[i]);
	return s;
}

MICRO(count_bits)
{
	u64 *v = (u64 *)mem, n = 0;

	for (u32 i = 0; i < 64; i++) {
		u64 x = v[i];

		x -= x >> 1 & 0x5555555555555555;
		x = (x & 0x3333333333333333) + (x >> 2 & 0x3333333333333333);
		x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0f;
		n += x * 0x0101010101010101 >> 56;
	}
	return n;
}

MICRO(xtea)
{
	u32 a = ((u32 *)mem)[0], b = ((u32 *)mem)[1], sum = 0;
	const u32 key[4] = { 0x01234567, 0x89abcdef, 0xfedcba98, 0x76543210 };

	for (u32 i = 0; i < 32; i++) {
		a += ((b << 4 ^ b >> 5) + b) ^ (sum + key[sum & 3]);
		sum += 0x9e3779b9;
		b += ((a << 4 ^ a >> 5) + a) ^ (sum + key[sum >> 11 & 3]);
	}
	return (u64)a << 32 | b;
}

MICRO(primes)
{
	u64 n = 0;

	for (u32 i = 2; i < 300; i++) {
		u32 k;

		for (k = 2; k < 18 && k < i; k++)
			if (i % k == 0)
				break;
		n += k == 18 || k == i;
	}
	return n;
}

MICRO(sort)
{
	u32 *v = (u32 *)(mem + 2048);

	for (u32 i = 0; i < 32; i++)
		v[i] = ((u32 *)mem)[i];
	for (u32 i = 0; i < 31; i++)
		for (u32 k = 0; k < 31; k++)
			if (v[k] > v[k + 1]) {
				u32 t = v[k];

				v[k] = v[k + 1];
				v[k + 1] = t;
			}
	return v[0] + v[31];
}

MICRO(matrix)
{
	u32 *a = (u32 *)mem, *b = a + 64, *c = a + 512;

	for (u32 i = 0; i < 8; i++)
		for (u32 j = 0; j < 8; j++) {
			u32 s = 0;

			for (u32 k = 0; k < 8; k++)
				s += a[i * 8 + k] * b[k * 8 + j];
			c[i * 8 + j] = s;
		}
	return c[9] + c[54];
}

MICRO(interpret)
{
	u64 acc = 1;

	for (u32 i = 0; i < 256; i++) {
		switch (mem[i] & 15) {
		case 0: acc += 3; break;
		case 1: acc ^= acc << 7; break;
		case 2: acc -= i; break;
		case 3: acc *= 5; break;
		case 4: acc |= 0x10; break;
		case 5: acc ^= acc >> 9; break;
		case 6: acc = ~acc; break;
		case 7: acc += acc >> 3; break;
		case 8: acc ^= 0x55; break;
		case 9: acc &= ~0x8ull; break;
		case 10: acc += mem[1024]; break;
		case 11: acc <<= 1; break;
		case 12: acc -= acc >> 5; break;
		case 13: acc ^= i; break;
		case 14: acc = -acc; break;
		default: acc++; break;
		}
	}
	return acc;
}

MICRO(log2_slots)
{
	u32 *hist = (u32 *)(mem + 2048), *v = (u32 *)mem;

	for (u32 i = 0; i < 64; i++)
		hist[i] = 0;
	for (u32 i = 0; i < 128; i++) {
		u32 x = v[i], r, shift;

		r = (x > 0xffff) << 4; x >>= r;
		shift = (x > 0xff) << 3; x >>= shift; r |= shift;
		shift = (x > 0xf) << 2; x >>= shift; r |= shift;
		shift = (x > 0x3) << 1; x >>= shift; r |= shift;
		hist[(r | x >> 1) & 63]++;
	}
	return hist[31] + hist[30];
}

MICRO(parse_number)
{
	s64 v = 0;
	u32 i;

	for (i = 0; i < 512; i++) {
		u8 c = mem[i] & 0x1f;

		if (c < 10)
			v = v * 10 + c;
		else if (c == 30)
			v = -v;
		else
			v ^= c;
	}
	return (u64)v;
}

MICRO(divide)
{
	u32 *v = (u32 *)mem;
	u64 s = 0;

	for (u32 i = 0; i < 64; i++)
		s += v[i] / (v[i + 64] | 1) + v[i] % (i + 7);
	return s;
}
