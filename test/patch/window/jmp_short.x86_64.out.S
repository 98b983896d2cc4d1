	fn f
	site
	end f
	nop
	fn g
	mov $3, %eax
	ret
	end g
