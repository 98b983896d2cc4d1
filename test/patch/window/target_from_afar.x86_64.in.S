# f: refused: a branch, table or pointer leads into the bytes of the jump
# Another function jumps into this one.
	fn f
	push %rbx
	mov %rdi, %rbx
	mov $1, %eax
	pop %rbx
	ret
	end f
	fn g
	push %rbx
	jmp f + 1
	end g
