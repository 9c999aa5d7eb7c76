# nnc_add_model(target model.onnx [NAME name] [OPTIONS option...] [DEPENDS file...])
#
# Compiles a model when the project is built. `target` becomes a library that carries the object file and the folder of
# the generated header <name>.h; link it to whatever calls <name>_run. NAME defaults to the target's name. OPTIONS go to
# nnc as they are, for example --cpu=x86-64-v3 --threads; when cross-compiling, --target is the C compiler's, if they name
# none. DEPENDS names further files the model reads (external data). With --weights=extern the target's property
# NNC_WEIGHTS_FILE is the path of the weights, which the program has to find when it runs.
function(nnc_add_model target model)
  cmake_parse_arguments(PARSE_ARGV 2 ARG "" "NAME" "OPTIONS;DEPENDS")
  if(ARG_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "nnc_add_model(${target}): unknown arguments: ${ARG_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT ARG_NAME)
    set(ARG_NAME ${target})
  endif()
  if(CMAKE_CROSSCOMPILING AND NOT "${ARG_OPTIONS}" MATCHES "--target")
    set(triple "${CMAKE_C_COMPILER_TARGET}")
    if(NOT triple)
      execute_process(COMMAND "${CMAKE_C_COMPILER}" -dumpmachine OUTPUT_VARIABLE triple OUTPUT_STRIP_TRAILING_WHITESPACE
        ERROR_QUIET)
    endif()
    if(NOT triple)
      message(FATAL_ERROR "nnc_add_model(${target}): the target of ${CMAKE_C_COMPILER} is not known; "
        "give OPTIONS --target=TRIPLE")
    endif()
    list(APPEND ARG_OPTIONS "--target=${triple}")
  endif()
  get_filename_component(model "${model}" ABSOLUTE)
  set(folder "${CMAKE_CURRENT_BINARY_DIR}/${target}.nnc")
  set(object "${folder}/${ARG_NAME}.o")
  set(header "${folder}/${ARG_NAME}.h")
  set(weights)
  if("--weights=extern" IN_LIST ARG_OPTIONS)
    set(weights "${folder}/${ARG_NAME}.weights")
  endif()
  file(MAKE_DIRECTORY "${folder}")
  add_custom_command(OUTPUT "${object}" "${header}" ${weights}
    COMMAND nnc::nnc "${model}" -o "${object}" --name=${ARG_NAME} ${ARG_OPTIONS}
    DEPENDS "${model}" nnc::nnc ${ARG_DEPENDS}
    COMMENT "Compiling ${model}" VERBATIM)
  set_source_files_properties("${object}" PROPERTIES EXTERNAL_OBJECT TRUE GENERATED TRUE)
  add_library(${target} STATIC "${object}" "${header}")
  set_target_properties(${target} PROPERTIES LINKER_LANGUAGE C NNC_WEIGHTS_FILE "${weights}")
  target_include_directories(${target} INTERFACE "${folder}")
  get_target_property(directories nnc::runtime INTERFACE_INCLUDE_DIRECTORIES)
  target_include_directories(${target} INTERFACE ${directories})
endfunction()
