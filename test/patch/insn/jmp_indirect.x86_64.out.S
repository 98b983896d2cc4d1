	endbr64
	bnd jmp *data(%rip)
