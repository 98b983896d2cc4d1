	fn f
	site
	.byte 0, 0	# of mov
	jg f
	ret
	end f
