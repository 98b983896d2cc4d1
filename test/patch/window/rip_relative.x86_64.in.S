# f: jmp
	fn f
	mov 1f(%rip), %eax
	ret
	end f
1:	.long 7
