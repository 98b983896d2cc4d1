# Prefixes belong to their instruction.
	rep stosq
	lock xadd %rax, (%rdi)
	mov %gs:(%rbx), %eax
	addr32 mov (%ebx), %eax
	data16 nop
	nopw %cs:0x12345678(%rip)
	rex.W jmp *%rax
