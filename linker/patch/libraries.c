/* SPDX-License-Identifier: MIT */
#include "libraries.h"

#include <string.h>
#include <unistd.h>

static const char *const folders[] = {
	"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/lib",
	"/usr/lib", "/usr/local/lib/x86_64-linux-gnu", "/usr/local/lib",
};

const char *library_find(struct arena *a, const char *name)
{
	if (strchr(name, '/'))
		return access(name, R_OK) ? NULL : name;
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		const char *p = arena_printf(a, "%s/%s", folders[i], name);

		if (!access(p, R_OK))
			return p;
	}
	return NULL;
}
