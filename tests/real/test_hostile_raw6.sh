#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Hostile packets over raw IPv6: hostile.sh
# ctest-timeout: 600
# ctest-waits: mostly
# ctest-cost: 60
TRANSPORT=raw6
. "$(dirname "$0")/hostile.sh"
