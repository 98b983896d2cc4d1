# f: refused
	fn f
	mov %edi, %eax
	syscall
	nop
	ret
	end f
