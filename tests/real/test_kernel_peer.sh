#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# usctp and the Linux kernel over raw IPv4 and raw IPv6, both roles
. "$(dirname "$0")/cases.sh"
case_peer kernel usctp raw4 raw6
