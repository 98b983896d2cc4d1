	push %rbx
	{disp32} jmp in+3
