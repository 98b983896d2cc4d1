/* SPDX-License-Identifier: MIT
 *
 * strings.c - the kernel functions on strings, bpf_copy_from_user_str.  A char is 8 bits without
 * a sign, an int 32. */
#include "rt_helpers.h"
#include "text_read.h"

RT_FAST uint64_t bpftime_h_strcmp(uint64_t a, uint64_t b)
{
	return bpftime_rt1_str_cmp(a, b, false);
}

RT_FAST uint64_t bpftime_h_strcasecmp(uint64_t a, uint64_t b)
{
	return bpftime_rt1_str_cmp(a, b, true);
}

RT_FAST uint64_t bpftime_h_strchr(uint64_t s, uint64_t c)
{
	return bpftime_rt1_str_chr(s, RT_STR_MAX, (uint8_t)c, RT_STR_CHR);
}

RT_FAST uint64_t bpftime_h_strchrnul(uint64_t s, uint64_t c)
{
	return bpftime_rt1_str_chr(s, RT_STR_MAX, (uint8_t)c, RT_STR_CHRNUL);
}

RT_FAST uint64_t bpftime_h_strnchr(uint64_t s, uint64_t count, uint64_t c)
{
	return bpftime_rt1_str_chr(s, count, (uint8_t)c, RT_STR_CHR);
}

RT_FAST uint64_t bpftime_h_strrchr(uint64_t s, uint64_t c)
{
	return bpftime_rt1_str_chr(s, RT_STR_MAX, (uint32_t)c, RT_STR_RCHR);
}

RT_FAST uint64_t bpftime_h_strlen(uint64_t s)
{
	return bpftime_rt1_str_nlen(s, RT_STR_MAX);
}

RT_FAST uint64_t bpftime_h_strnlen(uint64_t s, uint64_t count)
{
	return bpftime_rt1_str_nlen(s, count);
}

RT_FAST uint64_t bpftime_h_strspn(uint64_t s, uint64_t accept)
{
	return bpftime_rt1_str_span(s, accept, true);
}

RT_FAST uint64_t bpftime_h_strcspn(uint64_t s, uint64_t reject)
{
	return bpftime_rt1_str_span(s, reject, false);
}

RT_FAST uint64_t bpftime_h_strstr(uint64_t a, uint64_t b)
{
	return bpftime_rt1_str_nstr(a, b, RT_STR_MAX);
}

RT_FAST uint64_t bpftime_h_strnstr(uint64_t a, uint64_t b, uint64_t bytes)
{
	return bpftime_rt1_str_nstr(a, b, bytes);
}

RT_FAST uint64_t bpftime_h_copy_from_user_str(void *to, uint64_t bytes, uint64_t from,
					      uint64_t flags)
{
	return bpftime_rt1_copy_user_str((uint64_t)to, (uint32_t)bytes, from, flags);
}
