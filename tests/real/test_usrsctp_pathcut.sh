#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# usctp and usrsctp over two IPv4 paths, one cut on the way, both roles
. "$(dirname "$0")/cases.sh"
case_path_cut usrsctp usctp 4 4
