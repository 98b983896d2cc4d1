# refused: a far transfer
	iretq
