# f: jmp
# A jump to the entry is a call of the function once more: the hook sees it, as a kernel uprobe would.
	fn f
	dec %edi
	mov $1, %eax
	jg f
	ret
	end f
