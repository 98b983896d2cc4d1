# f: jmp
# An indirect call lands on endbr64, which stays.
	fn f
	endbr64
	mov $7, %eax
	ret
	end f
