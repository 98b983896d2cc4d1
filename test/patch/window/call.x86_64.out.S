	fn f
	site
	mov $1, %eax
	ret
	end f
	fn g
	mov $3, %eax
	ret
	end g
