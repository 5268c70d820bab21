#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# What the sending host's own kernel refuses (RFC 9260 has no word for it: it is loss): a firewall's drop, which
# makes sending fail with EPERM, and an unreachable route, on one of two paths in the middle of a transfer. What goes
# by the other path in the same batches is not lost; the path is used again afterwards.
# ctest-waits: mostly
# shellcheck disable=SC2034 # read by lib.sh
TEST_LIMIT_S=170
. "$(dirname "$0")/cases.sh"

net_make 4 6

# faulty WHAT FIRST SECOND: and the second path has not suffered
faulty() {
  disturbed_transfer "$@"
  grep -q "path ${B_ADDR[$3]}: .*-> \(inactive\|potentially failed\)" "$WORK/sender.err" &&
    fail "$1: the second path suffered, too"
  return 0
}
refusals() { # how many packets the firewall has refused
  in_net "$NET_A" nft list counter inet refuse refused | sed -n 's/.*packets \([0-9]*\) .*/\1/p'
}

in_net "$NET_A" nft -f - <<'END'
table inet refuse {
  counter refused { }
  chain out { type filter hook output priority 1; }
}
END
fault() { in_net "$NET_A" nft add rule inet refuse out "oifname p$bad meta l4proto 132 counter name refused drop"; }
repair() { in_net "$NET_A" nft flush chain inet refuse out; }
for bad in 0 1; do
  before=$(refusals)
  faulty "EPERM on path $bad" $bad $((1 - bad))
  [ "$(refusals)" -gt "$before" ] || fail "the firewall has refused nothing"
done
fault() { ip -n "$NET_A" route add unreachable "${B_ADDR[0]}/32"; }
repair() { ip -n "$NET_A" route del unreachable "${B_ADDR[0]}/32"; }
faulty "EHOSTUNREACH on path 0" 0 1
fault() { ip -n "$NET_A" route add prohibit "${B_ADDR[1]}/128"; }
repair() { ip -n "$NET_A" route del prohibit "${B_ADDR[1]}/128"; }
faulty "EACCES on path 1" 1 0
