#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# docs/examples/libuv-server.c: a stack without a thread in libuv's loop, beside a TCP listener; 500
# associations, a peer that reads nothing, and none of the loop's descriptors starves.
# shellcheck disable=SC2034 # read by lib.sh
TEST_LIMIT_S=120
. "$(dirname "$0")/examples.sh"

pkg-config --exists libuv || skip "libuv1-dev is not installed, so libuv-server is not built"
net_make 4 6
STATUS_PORT=5011
# status_line: what the TCP listener says
status_line() {
  in_net "$NET_B" timeout 10 bash -c "exec 3<>/dev/tcp/127.0.0.1/$STATUS_PORT; cat <&3"
}
has_status() { [ "$(status_line)" = "$1" ]; }

for transport in raw4 raw6 udp; do
  # shellcheck disable=SC2046
  start_example libuv-server $(udp_option $transport) $EXAMPLE_PORT $STATUS_PORT
  has_status '0 associations, 0 messages' || fail "TCP says: $(status_line)"
  [ "$(find "/proc/${PID[server]}/task" -mindepth 1 -maxdepth 1 | wc -l)" = 1 ] || fail "there is a second thread"
  mkfifo "$WORK/hold.$transport.fifo"
  exec 9<>"$WORK/hold.$transport.fifo"
  start_crowd many $transport --count 500 --messages 10 --bytes 700 --hold <"$WORK/hold.$transport.fifo"
  wait_until 60 has_line many '^echoed 5000$' || fail "not all echoes"
  has_status '500 associations, 5000 messages' || fail "TCP says: $(status_line)"

  mkfifo "$WORK/greedy.$transport.fifo"
  exec 8<>"$WORK/greedy.$transport.fifo"
  start_crowd greedy $transport --greedy --messages 200 --bytes 60000 <"$WORK/greedy.$transport.fifo"
  wait_until 20 has_line greedy '^up 1$' || fail "the greedy peer is not taken"
  crowd $transport --count 20 --messages 5
  status_line | grep -q '^501 associations' || fail "TCP says: $(status_line)"
  exec 8>&-
  must_finish greedy 60
  has_line greedy '^echoed 200$' || fail "the greedy peer lacks echoes"

  exec 9>&-
  must_finish many 60
  wait_until 10 has_status '0 associations, 5300 messages' || fail "TCP says: $(status_line)"
  # Idle, it sleeps: no spinning on a descriptor that stays readable
  ticks() { awk '{ print $14 + $15 }' "/proc/${PID[server]}/stat"; }
  before=$(ticks); sleep 2; after=$(ticks)
  [ $((after - before)) -le 20 ] || fail "idle for 2 s it used $((after - before)) ticks of CPU time"
  stop_example
  say "$transport: 521 associations and TCP in one loop"
done
