# Each operand of an indirect call is read behind the push: only rsp-based ones change.
	call *%rax
	call *%r12
	call *8(%rax)
	call *(%r12)
	call *0x40(%r12)
	call *0x10(%rbx,%rcx,8)
	call *-8(%rbp,%r12,4)
	call *(%rsp)
	call *16(%rsp)
	call *0x1000(%rsp)
	call *8(%rsp,%rcx,8)
	call *8(%rsp,%r9,8)
	call *8(%r12,%r9,8)
	call *%fs:0x28
	call *data(%rip)
	notrack call *%rdx
