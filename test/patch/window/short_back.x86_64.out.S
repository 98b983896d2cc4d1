	fn g
	lea 1(%rdi), %eax
	ret
	end g
1:	site
	nop
	fn f
	jmp 1b
	ret
	end f
	fn h
	mov $1, %eax
	ret
	end h
