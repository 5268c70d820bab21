#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# docs/examples/epoll-server.c: 1,000 associations at once, raw and in UDP, each of which has its echoes;
# all there at the same time, all shut down; and a peer that reads nothing costs the others nothing.
# shellcheck disable=SC2034 # read by lib.sh
TEST_LIMIT_S=200
. "$(dirname "$0")/examples.sh"

MANY=1000
[ "$(ulimit -Hn)" -ge $((2 * MANY + 200)) ] || skip "no $((2 * MANY + 200)) descriptors for a process here"
net_make 4 6

for transport in raw4 raw6 udp; do
  # shellcheck disable=SC2046
  start_example epoll-server $(udp_option $transport) $EXAMPLE_PORT
  before=$(server_count descriptors)
  mkfifo "$WORK/hold.$transport.fifo"
  exec 9<>"$WORK/hold.$transport.fifo"
  start_crowd many $transport --count $MANY --messages 5 --bytes 700 --hold <"$WORK/hold.$transport.fifo"
  wait_until 90 has_line many "^echoed $((5 * MANY))$" || fail "not all echoes"
  wait_until 5 report ": $MANY open, $MANY at most, $((5 * MANY)) messages, 0 lost; stack: $MANY associations" || fail "not $MANY at once"
  [ "$(server_count descriptors)" = $((before + 2 * MANY)) ] || fail "two descriptors a socket is not what it has"

  # One more, which sends 12 MB and reads nothing; the server goes on for the others meanwhile
  mkfifo "$WORK/greedy.$transport.fifo"
  exec 8<>"$WORK/greedy.$transport.fifo"
  start_crowd greedy $transport --greedy --messages 200 --bytes 60000 <"$WORK/greedy.$transport.fifo"
  wait_until 20 has_line greedy '^up 1$' || fail "the greedy peer is not taken"
  crowd $transport --count 20 --messages 5
  exec 8>&-
  must_finish greedy 60
  has_line greedy '^echoed 200$' || fail "the greedy peer lacks echoes"

  exec 9>&-
  must_finish many 60
  has_line many "^closed $MANY$" || fail "not all are shut down"
  wait_until 5 report ': 0 open, .* 0 lost; stack: 0 associations' || fail "not all are gone: $(tail -n 1 "$WORK/server.err")"
  [ "$(server_count descriptors)" = "$before" ] || fail "descriptors are left over"
  say "$transport: $(tail -n 1 "$WORK/server.err")"
  stop_example
done
