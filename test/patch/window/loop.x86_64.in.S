# f: jmp
	fn f
	mov %edi, %ecx
	loop 1f
	inc %eax
1:	mov $3, %eax
	ret
	end f
