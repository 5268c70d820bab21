#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Hostile packets over UDP: hostile.sh
# ctest-timeout: 600
# ctest-waits: mostly
# ctest-cost: 60
TRANSPORT=udp
. "$(dirname "$0")/hostile.sh"
