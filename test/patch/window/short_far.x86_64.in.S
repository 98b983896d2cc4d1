# f: refused: too short, and no padding follows
# Padding beyond the reach of a short jump is none.
	fn f
	mov %edi, %eax
	ret
	end f
	fn g
	.rept 40
	mov $1, %eax
	.endr
	ret
	end g
	.fill 6, 1, 0x90
	mov $1, %eax
