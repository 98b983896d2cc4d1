# f: jmp
	fn f
	test %edi, %edi
	{disp32} je 1f
	ret
1:	mov $3, %eax
	ret
	end f
