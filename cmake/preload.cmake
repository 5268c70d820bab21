# SPDX-License-Identifier: BSD-3-Clause
#
# What usctp-run preloads: libusctp-preload.so, which is libsctp.so.1 by name, has a stack of its own
# inside and takes the C library's place where src/preload says so; and libusctp-capture.so, which it
# loads to write captures.  Instrumented builds do without: sanitizers interpose the same functions.

if(USCTP_INSTRUMENTED)
    return()
endif()

file(GLOB sources CONFIGURE_DEPENDS "src/preload/*.c")
add_library(usctp_preload SHARED ${sources} ${USCTP_ALL_OBJECTS})
target_link_libraries(usctp_preload PRIVATE usctp_inside ${dependencies} ${CMAKE_DL_LIBS})
# The file defines what it calls: no built-in knowledge of these names.
target_compile_options(usctp_preload PRIVATE -U_FORTIFY_SOURCE)

# Every row of LIBC_CALLS is wrapped.
file(READ src/preload/libc_calls.h text)
string(REGEX MATCHALL "X\\([A-Za-z_ *]+, [a-z0-9_]+, \\(" rows "${text}")
foreach(row IN LISTS rows)
    string(REGEX REPLACE ".*, ([a-z0-9_]+), \\($" "-Wl,--wrap=\\1" option ${row})
    target_link_options(usctp_preload PRIVATE ${option})
endforeach()
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS src/preload/libc_calls.h)
target_link_options(usctp_preload PRIVATE
    -Wl,--version-script=${PROJECT_SOURCE_DIR}/cmake/libsctp.map -Wl,-soname,libsctp.so.1
    -Wl,--as-needed -Wl,-z,relro,-z,now -Wl,--no-undefined)
set_target_properties(usctp_preload PROPERTIES
    LINKER_LANGUAGE C OUTPUT_NAME usctp-preload NO_SONAME ON
    LINK_DEPENDS ${PROJECT_SOURCE_DIR}/cmake/libsctp.map)
install(TARGETS usctp_preload DESTINATION ${CMAKE_INSTALL_LIBDIR}/usctp)

if(USCTP_BUILD_TOOLS)
    add_library(usctp_capture MODULE tools/capture/capture_library.c
        tools/common/capture.c tools/common/report.c tools/common/address.c)
    target_include_directories(usctp_capture PRIVATE tools)
    target_link_libraries(usctp_capture PRIVATE usctp_flags PkgConfig::PCAP)
    set_target_properties(usctp_capture PROPERTIES OUTPUT_NAME usctp-capture)
    install(TARGETS usctp_capture DESTINATION ${CMAKE_INSTALL_LIBDIR}/usctp)
endif()
