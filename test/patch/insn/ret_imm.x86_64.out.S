	mov %edi, %eax
	ret $8
