/* SPDX-License-Identifier: MIT
 * Looks at how it was loaded: prints "ok" lines that do not depend on addresses. */
#define _GNU_SOURCE
#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#ifdef BIG_BSS
static char big[1536u << 20];
#endif
static _Thread_local int tls = 40;
static int constructed;

__attribute__((constructor)) static void construct(void) { constructed = 2; }

static int seen;

static int check(struct dl_phdr_info *i, size_t size, void *arg)
{
	uint64_t end = 0;

	(void)size;
	(void)arg;
	if (seen++)
		return 0;	/* the first is the program itself */
	printf("phdr %s\n", (unsigned long)i->dlpi_phdr == getauxval(AT_PHDR) &&
	       i->dlpi_phnum == getauxval(AT_PHNUM) ? "ok" : "DIFFERS");
	for (int k = 0; k < i->dlpi_phnum; k++) {
		const ElfW(Phdr) *p = &i->dlpi_phdr[k];
		const char *at = (const char *)i->dlpi_addr + p->p_vaddr;

		if (p->p_type == PT_LOAD) {
			if (p->p_vaddr < end)
				puts("PT_LOADs out of order");
			end = p->p_vaddr + p->p_memsz;
		} else if (p->p_type == PT_INTERP) {
			puts(at);
		} else if (p->p_type == PT_NOTE) {
			const ElfW(Nhdr) *n = (const void *)at;

			printf("note %.*s %u\n", (int)n->n_namesz, (const char *)(n + 1),
			       n->n_type);
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	char *heap = malloc(100000);

	memset(heap, argc, 100000);
	dl_iterate_phdr(check, NULL);
#ifdef BIG_BSS
	big[0] = 1;
	big[sizeof(big) - 1] = heap[99999];
	printf("bss %d\n", big[0] + big[sizeof(big) / 2] + big[sizeof(big) - 1]);
#endif
	printf("%d %s\n", tls + constructed, argc > 1 ? argv[1] : "-");
	free(heap);
	return argc == 3 ? 7 : 0;
}
