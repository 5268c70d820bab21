#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Hostile packets over raw IPv4: hostile.sh
# ctest-timeout: 600
# ctest-waits: mostly
# ctest-cost: 60
TRANSPORT=raw4
. "$(dirname "$0")/hostile.sh"
