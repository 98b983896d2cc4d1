# f+1: refused: not the start of an instruction
	fn f
	mov %rdi, %rax
	add $0x11223344, %rax
	ret
	end f
