	xbegin far
	xor %eax, %eax
