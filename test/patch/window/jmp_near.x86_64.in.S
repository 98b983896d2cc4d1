# f: jmp
	fn f
	{disp32} jmp g
	end f
	fn g
	mov $3, %eax
	ret
	end g
