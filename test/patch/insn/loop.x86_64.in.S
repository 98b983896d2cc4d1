# loop and jrcxz exist with an 8-bit displacement only.
	loop 1f
	loope 1f
	loopne 1f
	jrcxz 1f
	jecxz 1f
1:
