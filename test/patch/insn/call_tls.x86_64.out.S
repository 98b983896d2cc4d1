	lea -8(%rsp), %rsp
	push %rax
	lea in+8(%rip), %rax
	mov %rax, 8(%rsp)
	pop %rax
	{disp32} jmp far
