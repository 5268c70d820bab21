#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# usctp and the Linux kernel over an IPv4 and an IPv6 path, one cut on the way, both roles
. "$(dirname "$0")/cases.sh"
case_path_cut kernel usctp 4 6
