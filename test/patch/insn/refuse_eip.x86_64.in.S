# refused: EIP-relative
	mov data(%eip), %eax
