# f: padding
	fn f
	jmp g
	end f
	nop
	nop
	nop
	nop
	fn g
	mov $3, %eax
	ret
	end g
