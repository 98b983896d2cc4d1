	fn f
	endbr64
	site
	end f
	.fill 7, 1, 0xcc
