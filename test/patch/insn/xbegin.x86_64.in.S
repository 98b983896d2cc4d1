# The abort handler's address is relative.
	xbegin far
	xor %eax, %eax
