# SPDX-License-Identifier: BSD-3-Clause
#
# libusctp.so.0 and libusctp.a.  usctp::usctp and usctp::static are their names for a project that takes
# this one in by add_subdirectory(), as they are for one that finds it installed (cmake/install.cmake).

set(dependencies OpenSSL::Crypto Threads::Threads)
if(USCTP_HAVE_ISAL)
    list(APPEND dependencies PkgConfig::ISAL)
endif()

set(USCTP_SOVERSION 0) # and the node of libusctp.map
add_library(usctp SHARED ${USCTP_ALL_OBJECTS})
add_library(usctp::usctp ALIAS usctp)
target_include_directories(usctp INTERFACE ${PROJECT_SOURCE_DIR}/include)
target_link_libraries(usctp PRIVATE usctp_flags ${dependencies})
target_link_options(usctp PRIVATE
    -Wl,--version-script=${PROJECT_SOURCE_DIR}/cmake/libusctp.map -Wl,--as-needed -Wl,-z,relro,-z,now)
if(NOT USCTP_SANITIZE) # clang's sanitizers leave their symbols to the program
    target_link_options(usctp PRIVATE -Wl,--no-undefined)
endif()
set_target_properties(usctp PROPERTIES
    LINKER_LANGUAGE C VERSION ${PROJECT_VERSION} SOVERSION ${USCTP_SOVERSION}
    LINK_DEPENDS ${PROJECT_SOURCE_DIR}/cmake/libusctp.map)

# One relocatable object whose hidden names are local: internal names cannot meet the program's.
set(USCTP_ARCHIVE ${PROJECT_BINARY_DIR}/libusctp.a)
if(NOT USCTP_INSTRUMENTED)
    separate_arguments(flags NATIVE_COMMAND "${CMAKE_C_FLAGS}") # -m32 and the like
    add_custom_command(
        OUTPUT ${USCTP_ARCHIVE}
        COMMAND ${CMAKE_C_COMPILER} ${flags} -r -nostdlib -o usctp.o ${USCTP_ALL_OBJECTS}
        COMMAND ${CMAKE_OBJCOPY} --localize-hidden usctp.o
        COMMAND ${CMAKE_COMMAND} -E rm -f ${USCTP_ARCHIVE}
        COMMAND ${CMAKE_AR} rcsD ${USCTP_ARCHIVE} usctp.o
        DEPENDS ${USCTP_ALL_OBJECTS}
        WORKING_DIRECTORY ${PROJECT_BINARY_DIR}
        COMMENT "Linking C static library libusctp.a"
        COMMAND_EXPAND_LISTS VERBATIM)
    add_custom_target(usctp_static ALL DEPENDS ${USCTP_ARCHIVE})
    add_library(usctp::static STATIC IMPORTED GLOBAL)
    set_target_properties(usctp::static PROPERTIES
        IMPORTED_LOCATION ${USCTP_ARCHIVE}
        INTERFACE_INCLUDE_DIRECTORIES ${PROJECT_SOURCE_DIR}/include)
    target_link_libraries(usctp::static INTERFACE ${dependencies})
    add_dependencies(usctp::static usctp_static)
endif()
