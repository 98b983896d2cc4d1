# f: refused: a call that would return into the jump
	fn f
	call *%rax
	mov $1, %eax
	ret
	end f
	ret
