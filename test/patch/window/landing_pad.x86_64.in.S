# f+8: refused: a branch, table or pointer leads into the bytes of the jump
# Exceptions come to the second instruction behind the site.
	fn f
	.cfi_startproc
	.cfi_lsda 0x1b, 9f
	push %rbx
	.cfi_def_cfa_offset 16
1:	call g
2:	nop
	nop
	xor %eax, %eax
3:	mov %rax, %rdi
	pop %rbx
	.cfi_def_cfa_offset 8
	ret
	.cfi_endproc
	end f
	fn g
	mov $3, %eax
	ret
	end g
	.section .gcc_except_table, "a"
9:	.byte 0xff, 0xff, 1
	.uleb128 5f - 4f
4:	.uleb128 1b - f, 2b - 1b, 3b - f
	.byte 0
5:
	.text
