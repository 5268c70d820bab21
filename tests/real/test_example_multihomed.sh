#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# docs/examples/multihomed-client.c with echo-server.c: two paths by connectx; the first is cut, the
# messages go by the other and none is lost; repaired, it is used again.  Two paths of IPv4, and one of
# each family; raw, and in UDP.
# ctest-waits: mostly
# shellcheck disable=SC2034 # read by lib.sh
TEST_LIMIT_S=240
. "$(dirname "$0")/examples.sh"

net_make 4 4 6
said() { grep -q "^$1$" "$WORK/client.out"; }

# cut_run TRANSPORT FIRST SECOND
cut_run() {
  local binary first=${B_ADDR[$2]} second=${B_ADDR[$3]} lost carried
  case $first in *:*) ;; *) first=::ffff:$first ;; esac
  case $second in *:*) ;; *) second=::ffff:$second ;; esac
  binary=$(built examples/multihomed-client)
  # shellcheck disable=SC2046
  start_example echo-server $(udp_option "$1") $EXAMPLE_PORT
  lost=$(cut_packets b)
  # shellcheck disable=SC2046
  spawn client in_net "$NET_A" "$binary" $(udp_option "$1") 75 $EXAMPLE_PORT "${B_ADDR[$2]}" "${B_ADDR[$3]}" \
    </dev/null >"$WORK/client.out"
  carried=$(carried "$2" b)
  wait_until 20 has_carried "$2" b $((carried + 1000)) || fail "the first path is not used"
  path_cut "$2" b
  wait_until 20 said "path $first: potentially failed" || fail "the first path is not suspected"
  wait_until 20 said "path $first: unreachable" || fail "the first path is not given up"
  carried=$(carried "$3" b)
  wait_until 20 has_carried "$3" b $((carried + 200)) || fail "the second path is not used"
  path_repair "$2" b
  wait_until 20 said "path $first: available" || fail "the first path does not come back"
  must_finish client 60
  said '75 of 75 echoes' || fail "echoes are lost"
  ! grep -q "^path $second: [a-z]*[e]d$" "$WORK/client.out" || fail "the second path failed, too"
  [ $(($(cut_packets b) - lost)) -gt 0 ] || fail "the cut path had nothing to lose"
  grep -q "^path $first: rtt .* mtu 1500$" "$WORK/client.out" || fail "no account of the first path"
  grep -q "^path $second: rtt .* mtu 1500$" "$WORK/client.out" || fail "no account of the second path"
  stop_example
  say "$1, $first cut, gone on by $second, back: 75 of 75 echoes"
}
cut_run raw4 0 1
cut_run raw4 2 0
cut_run udp 0 1
