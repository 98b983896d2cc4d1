# f: jmp
# Whole instructions of five bytes and more go to the trampoline; what is left of the last stays.
	fn f
	push %rbx
	mov %rdi, %rbx
	xor %eax, %eax
	mov %rbx, %rax
	pop %rbx
	ret
	end f
