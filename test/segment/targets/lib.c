/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>
int lib_add(int a, int b);
const char *lib_name(void);
#ifndef NO_CONSTRUCTOR
static int base;
__attribute__((constructor)) static void construct(void) { base = 1; }
#else
static const int base = 1;
#endif
int lib_add(int a, int b) { return a + b + base; }
const char *lib_name(void) { return strdup("lib"); }
