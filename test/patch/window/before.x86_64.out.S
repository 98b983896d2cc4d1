	fn f
	mov %edi, %ecx
	xor %eax, %eax
	site
	nop
1:	dec %ecx
	jg 1b
	ret
	end f
