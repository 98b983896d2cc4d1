# f: refused
	fn f
	xor %eax, %eax
	ud2
	ret
	ret
	end f
