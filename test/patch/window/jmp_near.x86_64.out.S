	fn f
	site
	end f
	fn g
	mov $3, %eax
	ret
	end g
