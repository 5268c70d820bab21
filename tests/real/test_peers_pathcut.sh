#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# usrsctp and the Linux kernel over two paths, one cut on the way: shows that cutting works
. "$(dirname "$0")/cases.sh"
case_path_cut kernel usrsctp 4 6
