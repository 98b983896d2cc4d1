# f: refused: a branch, table or pointer leads into the bytes of the jump
# An address in data.
	fn f
	xor %eax, %eax
1:	inc %eax
	inc %eax
	ret
	end f
	.data
	.quad 1b
	.text
