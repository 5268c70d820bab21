#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# many.sh [SIDE...]: associations of every one of SIDE one-to-many sockets with every one of as many in another
# network namespace, in one process (many.c): set up, 1 KB there and back, ten idle seconds without heartbeats,
# closed.  By default SIDE is 80, 160 and 320: 6,400, 25,600 and 102,400 associations.  A line of JSON each.
# USCTP_BUILD is the build directory.
TEST_LIMIT_S=900
. "$(dirname "$0")/../real/lib.sh"

program=$(built tests/bench/many)
net_make 4
[ $# -gt 0 ] || set -- 80 160 320
for side in "$@"; do
  timeout 280 "$program" "$NET_A" "$NET_B" "${A_ADDR[0]}" "${B_ADDR[0]}" "$side" 10
done
