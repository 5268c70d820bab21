#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# usctp-cat beside the plain file: streams in turn, messages of a size, pipes, addresses left out, --both on
# one side only; and its exit status when the other side breaks off, when nobody reads its output, and when
# the peer shuts down before all was sent.
# shellcheck disable=SC2034 # read by lib.sh
TEST_LIMIT_S=150
. "$(dirname "$0")/lib.sh"

cat=$(built tools/usctp-cat)
net_make 4 6
both=$(joined "${B_ADDR[@]}")
make_file "$WORK/client.data" $((6 * 1024 * 1024 + 1)) 11
make_file "$WORK/listener.data" $((2 * 1024 * 1024 + 3)) 12

listen() { # listen INPUT OUTPUT OPTION...
  spawn listener in_net "$NET_B" "$cat" -v -l "${@:3}" 7 <"$1" >"$2"
  wait_until 10 has_line listener listening || fail "the listener does not start"
}
connect() { # connect INPUT OUTPUT ARGUMENT...
  spawn client in_net "$NET_A" "$cat" "${@:3}" 7 <"$1" >"$2"
}
# exchange LISTENER-OPTIONS CLIENT-ARGUMENTS: the client's file arrives
exchange() {
  # shellcheck disable=SC2086
  listen "${3:-/dev/null}" "$WORK/listener.got" $1
  # shellcheck disable=SC2086
  connect "$WORK/client.data" "$WORK/client.got" $2
  must_finish client 60
  must_finish listener 10
  same_file "$WORK/client.data" "$WORK/listener.got"
  [ $# -lt 3 ] || same_file "$3" "$WORK/client.got"
}
# ends NAME STATUS PATTERN: how it ends, and what it says then
ends() {
  local status=0
  finish "$1" 30 || status=$?
  [ $status = "$2" ] || fail "the $1's exit status is $status, not $2"
  has_line "$1" "$3" || fail "the $1 does not say \"$3\": $(cat "$WORK/$1.err")"
}

exchange "" "--streams 5 $both"
exchange "--both --streams 3" "--both --streams 5 --message 1000 ${B_ADDR[0]}" "$WORK/listener.data"
exchange "" "--both ${B_ADDR[1]}" "$WORK/listener.data"   # a listener learns of --both from its client
exchange "${B_ADDR[0]}" "--message 50 --bind ${A_ADDR[0]} --set nodelay=1 ${B_ADDR[0]}"
exchange "--set receive_buffer_bytes=65536" "--message 500000 ${B_ADDR[0]}" # messages larger than the window
exchange "--pcap $WORK/listener.pcap $both" "--pcap $WORK/client.pcap --bind $(joined "${A_ADDR[@]}") $both"
must_be_clean "$WORK/listener.pcap" "$WORK/client.pcap"

# Pipes on both ends
listen /dev/null >(wc -c >"$WORK/count")
spawn client in_net "$NET_A" bash -c "cat '$WORK/client.data' | '$cat' '$both' 7" </dev/null >/dev/null
must_finish client 30; must_finish listener 10
wait_until 5 grep -q . "$WORK/count" || fail "no count"
[ "$(cat "$WORK/count")" = "$(stat -c %s "$WORK/client.data")" ] || fail "through pipes: $(cat "$WORK/count") bytes"

# Nobody reads the listener's output: it breaks off, and the client hears of it
listen /dev/null >(head -c 1000 >/dev/null)
connect "$WORK/client.data" /dev/null "$both"
ends listener 1 'cannot write to stdout'
ends client 1 'aborted by the peer'

# A signal breaks off as well
mkfifo "$WORK/idle.fifo"
exec 8<>"$WORK/idle.fifo"
listen /dev/null "$WORK/listener.got"
connect "$WORK/idle.fifo" /dev/null -v "$both"
wait_until 10 has_line client 'association up' || fail "no association"
kill -INT "${PID[client]}"
ends client 130 ''
ends listener 1 'aborted by the peer'

# The client ends while the listener still has something to say
head -c 100000000 /dev/zero >"$WORK/endless.data"
listen "$WORK/endless.data" /dev/null
connect /dev/null "$WORK/client.got" "$both"
ends listener 1 'before all of stdin was sent'
must_finish client 10
say "streams, messages, pipes, --both, and every way to end"
