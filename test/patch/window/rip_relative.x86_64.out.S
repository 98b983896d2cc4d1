	fn f
	site
	.byte 0	# of mov
	ret
	end f
	.long 7
