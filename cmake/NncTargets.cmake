# The rules every compiler target follows: include roots, warnings, the precompiled header, and how libraries
# and dialects are declared.

add_library(nnc_options INTERFACE)
target_include_directories(nnc_options INTERFACE
  ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR} ${PROJECT_SOURCE_DIR}/include)
target_include_directories(nnc_options SYSTEM INTERFACE ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
target_compile_options(nnc_options INTERFACE -Wall -Wextra -Wno-unused-parameter -Wno-unused-function -Wno-deprecated-copy
  -fno-semantic-interposition)
if(NNC_SANITIZE)
  target_compile_options(nnc_options INTERFACE -fsanitize=address,undefined -fno-sanitize=vptr
    -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  target_link_options(nnc_options INTERFACE -fsanitize=address,undefined)
endif()
if(NNC_FUZZ)
  target_compile_options(nnc_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

# One precompiled header for everything that includes MLIR (lib/Support/Precompiled.h).
add_library(nnc_pch STATIC ${PROJECT_SOURCE_DIR}/lib/Support/Precompiled.cpp)
target_link_libraries(nnc_pch PUBLIC nnc_options)
target_precompile_headers(nnc_pch PRIVATE ${PROJECT_SOURCE_DIR}/lib/Support/Precompiled.h)
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  target_compile_options(nnc_options INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:SHELL:-Xclang -fno-pch-timestamp>")
endif()

# nnc_add_library(Name source... [DEPENDS tablegen-target...] [LINK library...] [NO_PCH])
# A static library named nnc<Name>. LINK names are part of the layering that utils/check-layers verifies.
function(nnc_add_library name)
  cmake_parse_arguments(ARG "NO_PCH" "" "DEPENDS;LINK" ${ARGN})
  add_library(nnc${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(nnc${name} PUBLIC nnc_options ${ARG_LINK} MLIR LLVM)
  add_dependencies(nnc${name} nnc_dialect_headers)
  if(ARG_DEPENDS)
    add_dependencies(nnc${name} ${ARG_DEPENDS})
  endif()
  if(NOT ARG_NO_PCH)
    target_precompile_headers(nnc${name} REUSE_FROM nnc_pch)
  endif()
endfunction()

# nnc_add_reference(Name file.td generator...): documentation made by mlir-tblgen, docs/<Name>.md in the build folder;
# `cmake --build --preset release --target docs` makes all of it.
add_custom_target(docs)
function(nnc_add_reference name source)
  set(output "${PROJECT_BINARY_DIR}/docs/${name}.md")
  set(includes ${PROJECT_SOURCE_DIR} ${MLIR_INCLUDE_DIRS})
  list(TRANSFORM includes PREPEND -I)
  add_custom_command(OUTPUT "${output}"
    COMMAND ${CMAKE_COMMAND} -E make_directory "${PROJECT_BINARY_DIR}/docs"
    COMMAND ${MLIR_TABLEGEN_EXE} ${ARGN} ${includes} "${CMAKE_CURRENT_SOURCE_DIR}/${source}" -o "${output}" -d "${output}.d"
    DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${source}" ${MLIR_TABLEGEN_EXE} DEPFILE "${output}.d" VERBATIM)
  add_custom_target(nnc${name}Reference DEPENDS "${output}")
  add_dependencies(docs nnc${name}Reference)
endfunction()

# nnc_add_passes(Name): Passes.td of the current folder -> Passes.h.inc, target nnc<Name>PassesIncGen.
function(nnc_add_passes name)
  set(LLVM_TARGET_DEFINITIONS Passes.td)
  mlir_tablegen(Passes.h.inc -gen-pass-decls -name ${name})
  add_public_tablegen_target(nnc${name}PassesIncGen)
  nnc_add_reference(${name}Passes Passes.td -gen-pass-doc)
endfunction()

# nnc_add_tool(name source... [LINK library...])
function(nnc_add_tool name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE nnc_options ${ARG_LINK} MLIR LLVM)
  add_dependencies(${name} nnc_dialect_headers)
  # The precompiled header is -fPIC; an executable of its own mind (-fPIE) could not use it.
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF INSTALL_RPATH_USE_LINK_PATH ON)
  target_compile_options(${name} PRIVATE -fPIC)
  target_precompile_headers(${name} REUSE_FROM nnc_pch)
endfunction()
