# A jump as the last instruction; nothing follows it.
	push %rbx
	jmp far
