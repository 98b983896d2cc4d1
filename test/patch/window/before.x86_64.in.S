# f+9: before
# What follows the nop is branched to: the jump stands in front of it.
	fn f
	mov %edi, %ecx
	xor %eax, %eax
	mov $1, %edx
	nop
1:	dec %ecx
	jg 1b
	ret
	end f
