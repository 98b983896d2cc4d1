# Branches within the group go to the copies; one to the hooked instruction goes there,
# and fires again.
first:	dec %ecx
second:	jz third
	jnz first
	jrcxz second
third:	nopw 0(%rax,%rax,1)
	jmp second
