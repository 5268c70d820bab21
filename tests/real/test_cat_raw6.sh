#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# usctp-cat over raw IPv6, one way and both ways
. "$(dirname "$0")/cases.sh"
case_cat raw6
