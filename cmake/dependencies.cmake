# SPDX-License-Identifier: BSD-3-Clause
#
# What the libraries and the tools link; why, is in docs/decisions/.  All are Debian 12 packages.

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenSSL 3 REQUIRED COMPONENTS Crypto)

set(USCTP_HAVE_ISAL OFF)
if(USCTP_ISAL)
    pkg_check_modules(ISAL IMPORTED_TARGET libisal)
    set(USCTP_HAVE_ISAL ${ISAL_FOUND})
endif()
if(NOT USCTP_HAVE_ISAL)
    message(STATUS "CRC32c: portable code (ISA-L is not installed, or not wanted)")
endif()

if(USCTP_BUILD_TOOLS OR USCTP_BUILD_TESTS)
    pkg_check_modules(PCAP REQUIRED IMPORTED_TARGET libpcap)
endif()

if(USCTP_BUILD_TOOLS)
    pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
    pkg_check_modules(LIBELF REQUIRED IMPORTED_TARGET libelf)
endif()

find_path(USCTP_LINUX_INCLUDE linux/sctp.h)
if(NOT USCTP_LINUX_INCLUDE)
    message(FATAL_ERROR "linux/sctp.h is missing (package linux-libc-dev)")
endif()
mark_as_advanced(USCTP_LINUX_INCLUDE)
