#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# usctp and usrsctp over UDP encapsulation, both roles
. "$(dirname "$0")/cases.sh"
case_peer usrsctp usctp udp
