# SPDX-License-Identifier: MIT
# bpf_object(SOURCE OBJECT options...): compiles a BPF program as the samples' READMEs do by hand.
find_program(CLANG_BPF NAMES clang-19 clang)
function(bpf_object src obj)
  get_filename_component(dir ${obj} DIRECTORY)
  file(MAKE_DIRECTORY ${dir})
  add_custom_command(OUTPUT ${obj}
    COMMAND ${CLANG_BPF} -O2 -g -Wall -Werror -target bpf -D__TARGET_ARCH_x86
            -idirafter /usr/include/${CMAKE_LIBRARY_ARCHITECTURE} -I${PROJECT_SOURCE_DIR}/samples ${ARGN} -MD -MF ${obj}.d -c ${src} -o ${obj}
    DEPENDS ${src} DEPFILE ${obj}.d VERBATIM)
endfunction()
