# SPDX-License-Identifier: BSD-3-Clause
#
# What is installed: libusctp.so.0 and libusctp.a, the headers, usctp.pc.

set(dependencies OpenSSL::Crypto Threads::Threads)
if(USCTP_HAVE_ISAL)
    list(APPEND dependencies PkgConfig::ISAL)
endif()

add_library(usctp SHARED ${USCTP_ALL_OBJECTS})
target_include_directories(usctp INTERFACE ${PROJECT_SOURCE_DIR}/include)
target_link_libraries(usctp PRIVATE usctp_flags ${dependencies})
target_link_options(usctp PRIVATE
    -Wl,--version-script=${PROJECT_SOURCE_DIR}/cmake/libusctp.map -Wl,--as-needed -Wl,-z,relro,-z,now)
if(NOT USCTP_SANITIZE) # clang's sanitizers leave their symbols to the program
    target_link_options(usctp PRIVATE -Wl,--no-undefined)
endif()
set_target_properties(usctp PROPERTIES
    LINKER_LANGUAGE C VERSION ${PROJECT_VERSION} SOVERSION 0
    LINK_DEPENDS ${PROJECT_SOURCE_DIR}/cmake/libusctp.map)

# One relocatable object whose hidden names are local: internal names cannot meet the program's.
set(archive ${PROJECT_BINARY_DIR}/libusctp.a)
if(NOT USCTP_INSTRUMENTED)
    add_custom_command(
        OUTPUT ${archive}
        COMMAND ${CMAKE_C_COMPILER} -r -nostdlib -o usctp.o ${USCTP_ALL_OBJECTS}
        COMMAND ${CMAKE_OBJCOPY} --localize-hidden usctp.o
        COMMAND ${CMAKE_COMMAND} -E rm -f ${archive}
        COMMAND ${CMAKE_AR} rcsD ${archive} usctp.o
        DEPENDS ${USCTP_ALL_OBJECTS}
        WORKING_DIRECTORY ${PROJECT_BINARY_DIR}
        COMMENT "Linking C static library libusctp.a"
        COMMAND_EXPAND_LISTS VERBATIM)
    add_custom_target(usctp_static ALL DEPENDS ${archive})
    install(FILES ${archive} DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()

set(USCTP_PC_REQUIRES_PRIVATE libcrypto)
if(USCTP_HAVE_ISAL)
    string(APPEND USCTP_PC_REQUIRES_PRIVATE ", libisal")
endif()
configure_file(cmake/usctp.pc.in usctp.pc @ONLY)

install(TARGETS usctp)
install(DIRECTORY include/usctp TYPE INCLUDE FILES_MATCHING PATTERN "*.h")
install(FILES ${PROJECT_BINARY_DIR}/usctp.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
