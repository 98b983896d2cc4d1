# f: jmp
	fn f
	mov %edi, %ecx
	jrcxz 1f
	inc %eax
1:	mov $3, %eax
	ret
	end f
