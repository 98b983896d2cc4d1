# f: short
# Padding in front serves too.
	fn g
	lea 1(%rdi), %eax
	ret
	end g
	.fill 6, 1, 0x90
	fn f
	mov %edi, %eax
	ret
	end f
	fn h
	mov $1, %eax
	ret
	end h
