	fn f
	site
	.byte 0xc0
	mov %rbx, %rax
	pop %rbx
	ret
	end f
