#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# usctp-cat over UDP encapsulation, one way and both ways
. "$(dirname "$0")/cases.sh"
case_cat udp
