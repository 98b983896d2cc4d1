/* SPDX-License-Identifier: MIT
 * Reads its own build id by address: the note must not move. */
#include <elf.h>
#include <stdio.h>
extern const Elf64_Nhdr id_note __attribute__((visibility("hidden")));
__asm__(".section .note.gnu.build-id,\"a\",@note\n.globl id_note\n.hidden id_note\n"
	"id_note: .long 4, 4, 3\n.ascii \"GNU\\0\"\n.long 0x31323334\n.previous");
int main(void)
{
	printf("%.*s %u\n", 3, (const char *)(&id_note + 1), id_note.n_type);
	return 0;
}
