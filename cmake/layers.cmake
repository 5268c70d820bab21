# SPDX-License-Identifier: BSD-3-Clause
#
# The six layers of src/.  usctp_<layer> holds a layer's objects; usctp_<layer>_archive is an archive
# of them that pulls in the layers below, for tests of one layer; usctp_internal is all of them.

set(USCTP_LAYERS core chunk timer assoc net api)
set(USCTP_PURE_LAYERS core chunk timer assoc)
set(USCTP_BELOW_core "")
set(USCTP_BELOW_chunk core)
set(USCTP_BELOW_timer core)
set(USCTP_BELOW_assoc chunk timer core)
set(USCTP_BELOW_net core)
set(USCTP_BELOW_api assoc chunk timer net core)

set(USCTP_ALL_OBJECTS "")
foreach(layer IN LISTS USCTP_LAYERS)
    file(GLOB sources CONFIGURE_DEPENDS "src/${layer}/*.c")
    if(NOT sources) # CMake wants one file in every library
        set(sources ${PROJECT_BINARY_DIR}/empty_${layer}.c)
        file(CONFIGURE OUTPUT ${sources} CONTENT "typedef int no_${layer}_yet;\n")
    endif()
    add_library(usctp_${layer} OBJECT ${sources})
    target_link_libraries(usctp_${layer} PRIVATE usctp_inside)
    list(APPEND USCTP_ALL_OBJECTS $<TARGET_OBJECTS:usctp_${layer}>)

    add_library(usctp_${layer}_archive STATIC EXCLUDE_FROM_ALL $<TARGET_OBJECTS:usctp_${layer}>)
    set_target_properties(usctp_${layer}_archive PROPERTIES LINKER_LANGUAGE C)
endforeach()
foreach(layer IN LISTS USCTP_LAYERS)
    foreach(below IN LISTS USCTP_BELOW_${layer})
        target_link_libraries(usctp_${layer}_archive PUBLIC usctp_${below}_archive)
    endforeach()
endforeach()

# The engine is pure: plain C11, and no call that the compiler slips in (stack protector, fortified
# copies, bcmp for memcmp).  The test gate/purity looks at the objects.
foreach(layer IN LISTS USCTP_PURE_LAYERS)
    set_target_properties(usctp_${layer} PROPERTIES C_EXTENSIONS OFF USCTP_PURE ON)
    target_compile_options(usctp_${layer} PRIVATE
        -fno-stack-protector -U_FORTIFY_SOURCE -fno-builtin-bcmp)
endforeach()

if(USCTP_HAVE_ISAL)
    target_link_libraries(usctp_core PRIVATE PkgConfig::ISAL)
    target_link_libraries(usctp_core_archive PUBLIC PkgConfig::ISAL)
else()
    target_compile_definitions(usctp_core PRIVATE USCTP_NO_ISAL)
endif()
target_link_libraries(usctp_net PRIVATE Threads::Threads)
target_link_libraries(usctp_net_archive PUBLIC Threads::Threads)
target_link_libraries(usctp_api PRIVATE OpenSSL::Crypto Threads::Threads)
target_link_libraries(usctp_api_archive PUBLIC OpenSSL::Crypto Threads::Threads)

add_library(usctp_internal STATIC EXCLUDE_FROM_ALL ${USCTP_ALL_OBJECTS})
set_target_properties(usctp_internal PROPERTIES LINKER_LANGUAGE C)
target_link_libraries(usctp_internal PUBLIC OpenSSL::Crypto Threads::Threads)
if(USCTP_HAVE_ISAL)
    target_link_libraries(usctp_internal PUBLIC PkgConfig::ISAL)
endif()
