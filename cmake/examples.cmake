# SPDX-License-Identifier: BSD-3-Clause
#
# The programs of docs/api.md: docs/examples/*.c, each a program of one file that needs usctp/usctp.h
# and nothing else of the tree (one that includes <uv.h> is linked with libuv).  They are installed as
# source, and built into examples/ of the build directory for the tests that run them.

install(DIRECTORY docs/examples DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN "*.c")

if(NOT USCTP_BUILD_TESTS OR NOT USCTP_TEST_REAL)
    return()
endif()

pkg_check_modules(LIBUV IMPORTED_TARGET libuv)
file(GLOB sources CONFIGURE_DEPENDS "docs/examples/*.c")
foreach(source IN LISTS sources)
    cmake_path(GET source STEM name)
    file(STRINGS ${source} uv LIMIT_COUNT 1 REGEX "#include <uv.h>")
    if(uv AND NOT LIBUV_FOUND)
        message(STATUS "examples/${name}: not built, libuv1-dev is missing")
        continue()
    endif()
    add_executable(example-${name} ${source})
    set_target_properties(example-${name} PROPERTIES
        RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/examples OUTPUT_NAME ${name})
    target_link_libraries(example-${name} PRIVATE usctp_flags usctp Threads::Threads)
    if(uv)
        target_link_libraries(example-${name} PRIVATE PkgConfig::LIBUV)
    endif()
endforeach()
