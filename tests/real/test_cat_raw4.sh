#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# usctp-cat over raw IPv4, one way and both ways
. "$(dirname "$0")/cases.sh"
case_cat raw4
