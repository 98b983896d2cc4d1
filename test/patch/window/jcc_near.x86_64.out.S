	fn f
	site
	.byte 0, 0, 0	# of je
	ret
1:	mov $3, %eax
	ret
	end f
