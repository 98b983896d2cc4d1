	.macro wide op:vararg
	\op 1f
	jmp 2f
1:	{disp32} jmp in+11
2:
	.endm
	wide loop
	wide loope
	wide loopne
	wide jrcxz
	wide jecxz
