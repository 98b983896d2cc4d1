# f: refused: bytes that are no instruction
	fn f
	xor %eax, %eax
	.byte 0x06, 0x06, 0x06
	ret
	end f
