#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# usctp and the Linux kernel: the primary path black-holed under load, and repaired
# ctest-beside: others
. "$(dirname "$0")/failover.sh"
case_failover kernel
