# f: jmp
# What stays of the last instruction is no place to come to; what follows it is.
	fn f
	mov %rdi, %rax
	mov $1, %ecx
1:	dec %ecx
	jg 1b
	ret
	end f
