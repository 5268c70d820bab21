#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A link that is narrow from the start, on raw IPv4, raw IPv6 and UDP: pmtu.sh
# ctest-waits: mostly
# ctest-cost: 60
. "$(dirname "$0")/pmtu.sh"

make_file "$WORK/sent.data" $((4 * MIB)) 5
for transport in raw4 raw6 udp4 udp6; do
  narrow $transport heard 1280
  narrow $transport dropped 1400
done
narrow raw4 dropped 1280
narrow raw6 dropped 1280
