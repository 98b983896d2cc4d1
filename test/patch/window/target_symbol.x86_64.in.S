# f: refused: a branch, table or pointer leads into the bytes of the jump
# Another function begins there.
	fn f
	xor %eax, %eax
	fn g
	inc %eax
	inc %eax
	ret
	end g
	end f
