#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# usctp and usrsctp over raw IPv4, both roles
. "$(dirname "$0")/cases.sh"
case_peer usrsctp usctp raw4
