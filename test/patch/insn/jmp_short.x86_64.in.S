# A short jump widens.
	push %rbx
	jmp 1f
1:
