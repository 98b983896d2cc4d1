# refused: a system call
	int $0x80
