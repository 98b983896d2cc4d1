# f: jmp
# A short conditional jump moves, and widens on the way.
	fn f
	test %edi, %edi
	je 1f
	inc %edi
	ret
1:	mov $3, %eax
	ret
	end f
