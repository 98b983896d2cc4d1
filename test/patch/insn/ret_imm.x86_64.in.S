# ret with an operand
	mov %edi, %eax
	ret $8
