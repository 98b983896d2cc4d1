	push %rbx
	{disp32} jmp far
