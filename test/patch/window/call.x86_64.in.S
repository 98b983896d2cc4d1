# f: jmp
# A call may be the last that moves: it returns to what follows the jump.
	fn f
	call g
	mov $1, %eax
	ret
	end f
	fn g
	mov $3, %eax
	ret
	end g
