	sub $8, %rsp
	lea -8(%rsp), %rsp
	push %rax
	lea in+9(%rip), %rax
	mov %rax, 8(%rsp)
	pop %rax
	{disp32} jmp far
