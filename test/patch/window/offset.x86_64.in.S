# f+3: jmp
# In the middle of a function.
	fn f
	mov %rdi, %rax
	add $0x11223344, %rax
	ret
	end f
