# refused: the stack pointer
	call *%rsp
