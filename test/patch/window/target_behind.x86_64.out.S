	fn f
	site
	.byte 0, 0, 0	# of mov
1:	dec %ecx
	jg 1b
	ret
	end f
