	fn f
	site
	.byte 0xc7	# of inc
	ret
1:	mov $3, %eax
	ret
	end f
