#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# usrsctp and the Linux kernel: shows that this machine can run the tests with the kernel
. "$(dirname "$0")/cases.sh"
case_peer kernel usrsctp raw4 raw6
