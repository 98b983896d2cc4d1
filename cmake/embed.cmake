# SPDX-License-Identifier: MIT
# bpftime_embed(TARGET SYMBOL FILE): a static library with the bytes of FILE as
# `const unsigned char SYMBOL[]` and `const unsigned char SYMBOL_end[]`.
function(bpftime_embed target symbol file)
  set(src ${CMAKE_CURRENT_BINARY_DIR}/${target}.S)
  file(GENERATE OUTPUT ${src} CONTENT
"	.section .rodata
	.globl ${symbol}, ${symbol}_end
	.balign 16
${symbol}:
	.incbin \"${file}\"
${symbol}_end:
	.byte 0
	.section .note.GNU-stack,\"\",@progbits
")
  add_library(${target} STATIC ${src})
  set_source_files_properties(${src} PROPERTIES GENERATED ON OBJECT_DEPENDS ${file})
endfunction()
