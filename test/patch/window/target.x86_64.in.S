# f: refused: a branch, table or pointer leads into the bytes of the jump
# A loop that comes back to the second instruction.
	fn f
	mov %edi, %ecx
1:	dec %ecx
	jg 1b
	mov $1, %eax
	ret
	end f
	ret
