# f: padding
# One long nop is padding as well, and is cut.
	fn f
	mov %edi, %eax
	ret
	end f
	nopw 0x11223344(%rax,%rax,1)
