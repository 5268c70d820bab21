#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# usctp with itself: the primary path black-holed under load, and repaired
# ctest-waits: mostly
. "$(dirname "$0")/failover.sh"
case_failover usctp
