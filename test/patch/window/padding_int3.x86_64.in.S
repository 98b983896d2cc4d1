# f: padding
# Other compilers fill with int3.
	fn f
	endbr64
	ret
	end f
	.fill 11, 1, 0xcc
