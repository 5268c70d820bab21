#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A link that is narrowed and widened under way, on raw IPv4, raw IPv6 and UDP: pmtu.sh
# ctest-waits: mostly
# ctest-cost: 60
. "$(dirname "$0")/pmtu.sh"

falls_and_rises raw4 heard
falls_and_rises raw4 dropped
falls_and_rises raw6 dropped
falls_and_rises udp4 dropped
falls_and_rises udp6 heard
