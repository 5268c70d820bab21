#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# usctp-cat without CAP_NET_RAW
. "$(dirname "$0")/cases.sh"
case_no_privilege
