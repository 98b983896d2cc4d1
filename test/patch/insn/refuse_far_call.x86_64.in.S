# refused: a far transfer
	lcall *(%rax)
