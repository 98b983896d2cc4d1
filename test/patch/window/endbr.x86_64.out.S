	fn f
	endbr64
	site
	ret
	end f
