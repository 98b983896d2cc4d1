# The far sees the original return address; no register or flag changes.
	sub $8, %rsp
	call far
