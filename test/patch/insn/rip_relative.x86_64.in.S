# RIP-relative operands name the same place: every encoding, also with an immediate behind.
	mov data(%rip), %rax
	lea data(%rip), %r13
	cmpb $7, data(%rip)
	movl $0x11223344, data+8(%rip)
	imul $1000, data(%rip), %ecx
	lock incq data(%rip)
	mov %fs:data(%rip), %eax
	movaps data(%rip), %xmm9
	vpaddd data(%rip), %ymm1, %ymm12
	vpcmpeqb data(%rip), %ymm1, %ymm2
	vpshufd $27, data(%rip), %xmm3
	vpaddd data(%rip), %zmm1, %zmm20
	cmpxchg16b data(%rip)
	fldt data(%rip)
