#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# usctp and the Linux kernel over UDP encapsulation, both roles
. "$(dirname "$0")/cases.sh"
case_peer kernel usctp udp
