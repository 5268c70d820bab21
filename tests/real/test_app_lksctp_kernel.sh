#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# ctest-waits: mostly
# ctest-cost: 80
# The programs of lksctp-tools under usctp-run against the same on the Linux kernel's SCTP, both roles
APP_PEER=kernel
. "$(dirname "$0")/test_app_lksctp.sh"
