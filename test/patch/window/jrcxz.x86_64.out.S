	fn f
	site
	.byte 0xc0	# of inc
	mov $3, %eax
	ret
	end f
