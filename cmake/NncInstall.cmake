# The installed package: the tools, the promise (include/nnc), the thread pool, and `find_package(nnc)`.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(nnc_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/nnc)

set(nnc_installed_tools)
foreach(tool nnc nnc-opt nnc-run nnc-lsp-server nnc-reduce)
  if(TARGET ${tool})
    list(APPEND nnc_installed_tools ${tool})
  endif()
endforeach()
install(TARGETS ${nnc_installed_tools} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS nnc_runtime EXPORT nncTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/nnc DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(EXPORT nncTargets NAMESPACE nnc:: DESTINATION ${nnc_package_dir})

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/nncConfig.cmake.in ${PROJECT_BINARY_DIR}/nncConfig.cmake
  INSTALL_DESTINATION ${nnc_package_dir} PATH_VARS CMAKE_INSTALL_BINDIR)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/nncConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/nncConfig.cmake ${PROJECT_BINARY_DIR}/nncConfigVersion.cmake
  ${PROJECT_SOURCE_DIR}/cmake/NncAddModel.cmake DESTINATION ${nnc_package_dir})
