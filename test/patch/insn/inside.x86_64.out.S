	dec %ecx
second:	{disp32} jz third
	{disp32} jnz in
	jrcxz 1f
	jmp 2f
1:	{disp32} jmp second
2:
third:	nopw 0(%rax,%rax,1)
	{disp32} jmp second
