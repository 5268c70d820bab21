#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# usrsctp with itself: shows that this machine can run the tests with usrsctp
. "$(dirname "$0")/cases.sh"
case_peer usrsctp usrsctp raw4 raw6 udp
