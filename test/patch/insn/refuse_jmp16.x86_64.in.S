# refused: operand-size prefix
	.byte 0x66, 0xe9; .long 0
