# A short function moves whole; there is no way back.
	xor %eax, %eax
	repz ret
