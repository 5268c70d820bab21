#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# usctp and the Linux kernel: the primary path black-holed under load, and repaired
# ctest-waits: mostly
# ctest-cost: 60
. "$(dirname "$0")/failover.sh"
case_failover kernel
