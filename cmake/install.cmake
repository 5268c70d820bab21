# SPDX-License-Identifier: BSD-3-Clause
#
# What `cmake --install` puts where: libraries, headers, the pkg-config file, the CMake package, manual
# pages, documents.  The tools are installed by cmake/tools.cmake.  Both descriptions find the tree from
# where they lie, so it can be moved, and installed with --prefix or DESTDIR.

include(CMakePackageConfigHelpers)

install(TARGETS usctp)
if(TARGET usctp_static)
    install(FILES ${USCTP_ARCHIVE} DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()
install(DIRECTORY include/usctp TYPE INCLUDE FILES_MATCHING PATTERN "*.h")

# pkg-config: absolute folders, as some packagers give them, stay what they are.
set(USCTP_PC_PREFIX "${CMAKE_INSTALL_PREFIX}")
if(NOT IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
    cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX
        BASE_DIRECTORY "${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBDIR}/pkgconfig"
        OUTPUT_VARIABLE up)
    cmake_path(SET up NORMALIZE "${up}")
    string(REGEX REPLACE "/$" "" up "${up}")
    set(USCTP_PC_PREFIX "\${pcfiledir}/${up}")
endif()
foreach(folder LIBDIR INCLUDEDIR)
    set(USCTP_PC_${folder} "\${prefix}/${CMAKE_INSTALL_${folder}}")
    if(IS_ABSOLUTE "${CMAKE_INSTALL_${folder}}")
        set(USCTP_PC_${folder} "${CMAKE_INSTALL_${folder}}")
    endif()
endforeach()
set(USCTP_PC_REQUIRES_PRIVATE libcrypto)
if(USCTP_HAVE_ISAL)
    string(APPEND USCTP_PC_REQUIRES_PRIVATE ", libisal")
endif()
configure_file(cmake/usctp.pc.in usctp.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/usctp.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# find_package(usctp CONFIG).  Before 1.0 a minor version may break what was built with another.
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/usctp)
configure_package_config_file(cmake/usctp-config.cmake.in usctp-config.cmake
    INSTALL_DESTINATION ${package} PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR)
write_basic_package_version_file(usctp-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/usctp-config.cmake ${PROJECT_BINARY_DIR}/usctp-config-version.cmake
    DESTINATION ${package})

foreach(section 1 3 7)
    file(GLOB pages CONFIGURE_DEPENDS "docs/man/*.${section}")
    if(pages)
        install(FILES ${pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
    endif()
endforeach()
file(GLOB documents CONFIGURE_DEPENDS "docs/*.md")
install(FILES LICENSE README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES ${documents} DESTINATION ${CMAKE_INSTALL_DOCDIR}/docs)
