# refused: a system call
	syscall
