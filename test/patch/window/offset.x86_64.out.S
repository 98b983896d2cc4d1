	fn f
	mov %rdi, %rax
	site
	.byte 0x11	# of add
	ret
	end f
