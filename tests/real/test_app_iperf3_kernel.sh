#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# iperf3 --sctp under usctp-run against iperf3 on the Linux kernel's SCTP, both roles
APP_PEER=kernel
. "$(dirname "$0")/test_app_iperf3.sh"
