# f: refused: too short, and no padding follows
# What follows is code.
	fn f
	mov %edi, %eax
	ret
	end f
	fn g
	lea 1(%rdi), %eax
	ret
	end g
	mov $1, %eax
