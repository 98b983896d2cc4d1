# f: jmp
	fn f
	xbegin 1f
	xend
	mov $1, %eax
	ret
1:	mov $3, %eax
	ret
	end f
