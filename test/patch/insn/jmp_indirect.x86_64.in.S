# PLT stubs: with a bnd prefix too.
	endbr64
	bnd jmp *data(%rip)
