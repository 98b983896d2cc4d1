	.macro one behind:req, op:vararg
	lea -8(%rsp), %rsp
	push %rax
	lea in+\behind(%rip), %rax
	mov %rax, 8(%rsp)
	pop %rax
	\op
	.endm
	one 0x02, jmp *%rax
	one 0x05, jmp *%r12
	one 0x08, jmp *8(%rax)
	one 0x0c, jmp *(%r12)
	one 0x11, jmp *0x40(%r12)
	one 0x15, jmp *0x10(%rbx,%rcx,8)
	one 0x1a, jmp *-8(%rbp,%r12,4)
	one 0x1d, {disp32} jmp *8(%rsp)
	one 0x21, {disp32} jmp *24(%rsp)
	one 0x28, jmp *0x1008(%rsp)
	one 0x2c, {disp32} jmp *16(%rsp,%rcx,8)
	one 0x31, {disp32} jmp *16(%rsp,%r9,8)
	one 0x36, jmp *8(%r12,%r9,8)
	one 0x3e, jmp *%fs:0x28
	one 0x44, jmp *data(%rip)
	one 0x47, notrack jmp *%rdx
