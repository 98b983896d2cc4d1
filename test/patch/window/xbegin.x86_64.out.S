	fn f
	site
	.byte 0	# of xbegin
	xend
	mov $1, %eax
	ret
1:	mov $3, %eax
	ret
	end f
