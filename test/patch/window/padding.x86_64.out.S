	fn f
	site
	end f
	.balign 16, 0x90
