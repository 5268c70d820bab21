# SPDX-License-Identifier: BSD-3-Clause
#
# Options and the compiler's flags.  Public options: USCTP_BUILD_TESTS, USCTP_BUILD_TOOLS,
# USCTP_WERROR.  The others are for the presets.

option(USCTP_BUILD_TESTS "Build the tests (needs Check)" ${PROJECT_IS_TOP_LEVEL})
option(USCTP_BUILD_TOOLS "Build usctp-cat, usctp-perf, usctp-sim (needs libpcap)" ${PROJECT_IS_TOP_LEVEL})
option(USCTP_WERROR "Make warnings errors" OFF)
option(USCTP_ISAL "Use ISA-L's CRC32c where it is installed" ON)
option(USCTP_COVERAGE "Count executed lines (gcov)" OFF)
option(USCTP_FUZZ "Link the fuzz targets with libFuzzer (clang)" OFF)
option(USCTP_VALGRIND "Run the tests under valgrind" OFF)
option(USCTP_TIDY "Add clang-tidy to the gates" OFF)
set(USCTP_SANITIZE "" CACHE STRING "Value of -fsanitize=, e.g. address,undefined or thread")
set(USCTP_TEST_PREFIX "" CACHE STRING "What the CTest names of this build begin with")
set(USCTP_SIM_SEEDS "" CACHE STRING "Number of seeds of the simulations; empty: the tests' own")

# An instrumented build is not what anybody installs: it has no real tests and no gates.
if(USCTP_SANITIZE OR USCTP_COVERAGE OR USCTP_FUZZ OR USCTP_VALGRIND)
    set(USCTP_INSTRUMENTED ON)
else()
    set(USCTP_INSTRUMENTED OFF)
endif()
if(USCTP_INSTRUMENTED)
    option(USCTP_TEST_REAL "Add the tests over the host's network" OFF)
else()
    option(USCTP_TEST_REAL "Add the tests over the host's network" ON)
endif()

if(NOT CMAKE_BUILD_TYPE AND PROJECT_IS_TOP_LEVEL)
    set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Build type" FORCE)
endif()
# Without CMake's -DNDEBUG: what a test or a tool asserts is asserted in every build.
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g")
set(CMAKE_C_FLAGS_RELEASE "-O2")

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# Flags that every object of the project is compiled with.
add_library(usctp_flags INTERFACE)
target_include_directories(usctp_flags INTERFACE ${PROJECT_SOURCE_DIR}/include)
target_compile_options(usctp_flags INTERFACE
    -Wall -Wextra -Wconversion -Wshadow -Wswitch-enum $<$<BOOL:${USCTP_WERROR}>:-Werror>)

# The layers that talk to the host, the tools and the tests see all of glibc; the pure layers, which
# have the property USCTP_PURE, see C11.  Empty, so that a file's own #define is no redefinition.
target_compile_definitions(usctp_flags INTERFACE
    $<$<NOT:$<BOOL:$<TARGET_PROPERTY:USCTP_PURE>>>:_GNU_SOURCE=>)

set(instrument "")
if(USCTP_SANITIZE)
    list(APPEND instrument -fsanitize=${USCTP_SANITIZE} -fno-sanitize-recover=all
        -fno-omit-frame-pointer)
    target_compile_options(usctp_flags INTERFACE -O1)
endif()
if(USCTP_FUZZ)
    if(NOT CMAKE_C_COMPILER_ID MATCHES Clang)
        message(FATAL_ERROR "USCTP_FUZZ needs clang (libFuzzer)")
    endif()
    target_compile_options(usctp_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(USCTP_COVERAGE)
    list(APPEND instrument --coverage)
endif()
target_compile_options(usctp_flags INTERFACE ${instrument})
target_link_options(usctp_flags INTERFACE ${instrument})

# The same for what may see the layers' own headers: the layers and the tests, not the tools.
add_library(usctp_inside INTERFACE)
target_include_directories(usctp_inside INTERFACE ${PROJECT_SOURCE_DIR}/src)
target_link_libraries(usctp_inside INTERFACE usctp_flags)
