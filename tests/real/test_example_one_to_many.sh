#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# docs/examples/one-to-many-server.c: many peers on one socket; what its notifications say; the one that
# reads no echoes is peeled off, the others go on, and it gets every echo in the end; a message that is
# too long is answered with an ABORT.
# shellcheck disable=SC2034 # read by lib.sh
TEST_LIMIT_S=120
. "$(dirname "$0")/examples.sh"

net_make 4 6
lines() { grep -c "$1" "$WORK/server.out" || true; }
has_lines() { [ "$(lines "$1")" = "$2" ]; }

for transport in raw4 raw6 udp; do
  # shellcheck disable=SC2046
  start_example one-to-many-server $(udp_option $transport) $EXAMPLE_PORT
  crowd $transport --count 200 --messages 10 --bytes 3000
  wait_until 5 has_lines ': shut down$' 200 || fail "not 200 shutdowns told"
  [ "$(lines ': up, peer ')" = 200 ] || fail "not 200 associations told"
  ids=$(sed -n 's/^association \([0-9]*\): up.*/\1/p' "$WORK/server.out" | sort -u | wc -l)
  [ "$ids" = 200 ] || fail "200 associations have $ids ids"

  mkfifo "$WORK/greedy.$transport.fifo"
  exec 8<>"$WORK/greedy.$transport.fifo"
  start_crowd greedy $transport --greedy --messages 200 --bytes 60000 <"$WORK/greedy.$transport.fifo"
  wait_until 20 has_lines ': slow, peeled off$' 1 || fail "the slow peer is not peeled off"
  crowd $transport --count 50 --messages 10
  [ "$(lines ': up, peer ')" = 251 ] || fail "the others do not go on"
  exec 8>&-
  must_finish greedy 60
  has_line greedy '^echoed 200$' || fail "the peeled off one lacks echoes"
  [ "$(lines ': slow, peeled off$')" = 1 ] || fail "others were peeled off"

  status=0
  start_crowd long $transport --bytes 100000 </dev/null
  finish long 20 || status=$?
  [ $status = 1 ] && has_line long 'Connection reset by peer' || fail "a message too long: $status"
  wait_until 5 has_lines ': lost, error ' 1 || fail "the abort is not told"
  stop_example
  say "$transport: 252 associations, one peeled off, one aborted"
done
