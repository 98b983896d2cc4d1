# The padded call of the general dynamic TLS model: REX.W makes 66 harmless.
	.byte 0x66, 0x66, 0x48
	call far
