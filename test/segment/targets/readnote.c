/* SPDX-License-Identifier: MIT
 * Reads a note of its own by address: the note must not move.  ALIGN: 3 puts it into
 * one PT_NOTE with the property note, 0 behind the others.  BARE: no libc, the note
 * follows the program headers. */
#include <elf.h>
#include <unistd.h>

#define STR_(x_) #x_
#define STR(x_) STR_(x_)
extern const Elf64_Nhdr id_note __attribute__((visibility("hidden")));
__asm__(".section .note.mine,\"a\",@note\n.p2align " STR(
	ALIGN) "\n.globl id_note\n.hidden id_note\n"
	       "id_note: .long 4, 4, 9\n.ascii \"GNU\\n\"\n.long 0x31323334\n.previous");

#ifdef BARE
void _start(void);
void _start(void)
{
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(1), "D"(1), "S"(&id_note + 1), "d"(id_note.n_namesz)
			 : "rcx", "r11", "memory");
	__asm__ volatile("syscall" : "=a"(ret) : "a"(60), "D"(0) : "rcx", "r11", "memory");
}
#else
int main(void)
{
	return write(1, &id_note + 1, id_note.n_namesz) != 4;
}
#endif
