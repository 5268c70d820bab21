# SPDX-License-Identifier: BSD-3-Clause
#
# Every tools/usctp-NAME.c is a program, with tools/NAME/*.c where it has parts, linked with
# tools/common/*.c, libpcap, jansson and the public library.
# They are built into tools/ of the build directory.  usctp-sim is linked with the layers themselves:
# it needs the simulated links, and what it plays must not depend on which libusctp.so is installed.
# usctp-run is, too: what it asks of the host is no public call, and it has no stack.

if(NOT USCTP_BUILD_TOOLS)
    return()
endif()

file(GLOB common CONFIGURE_DEPENDS "tools/common/*.c")
file(GLOB programs CONFIGURE_DEPENDS "tools/usctp-*.c")
if(common)
    add_library(usctp_tools_common OBJECT ${common})
    target_include_directories(usctp_tools_common PRIVATE ${PROJECT_SOURCE_DIR}/tools)
    target_compile_definitions(usctp_tools_common PRIVATE USCTP_TOOL_VERSION="${PROJECT_VERSION}")
    target_link_libraries(usctp_tools_common PRIVATE usctp_flags PkgConfig::PCAP PkgConfig::JANSSON
        Threads::Threads)
endif()
foreach(source IN LISTS programs)
    cmake_path(GET source STEM name)
    string(REGEX REPLACE "^usctp-" "" folder ${name})
    file(GLOB parts CONFIGURE_DEPENDS "tools/${folder}/*.c")
    add_executable(${name} ${source} ${parts})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tools)
    target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tools)
    target_compile_definitions(${name} PRIVATE USCTP_TOOL_VERSION="${PROJECT_VERSION}")
    if(common)
        target_link_libraries(${name} PRIVATE usctp_tools_common)
    endif()
    if(name MATCHES "^usctp-(run|sim)$")
        target_link_libraries(${name} PRIVATE usctp_inside usctp_internal)
    else()
        target_link_libraries(${name} PRIVATE usctp_flags usctp)
    endif()
    target_link_libraries(${name} PRIVATE PkgConfig::PCAP PkgConfig::JANSSON Threads::Threads)
    if(name STREQUAL "usctp-run")
        file(RELATIVE_PATH folder ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_LIBDIR}/usctp/)
        target_compile_definitions(${name} PRIVATE USCTP_RUN_LIBRARY_FOLDER="${folder}/")
        target_link_libraries(${name} PRIVATE PkgConfig::LIBELF)
    endif()
    install(TARGETS ${name})
endforeach()
