#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# docs/examples/echo-server.c: several clients at once, messages of one byte and of half a megabyte (which
# are delivered in pieces), over raw IPv4, raw IPv6 and UDP; ended while clients are still there.
# shellcheck disable=SC2034 # read by lib.sh
TEST_LIMIT_S=200
. "$(dirname "$0")/examples.sh"

net_make 4 6
for transport in raw4 raw6 udp; do
  # shellcheck disable=SC2046
  start_example echo-server $(udp_option $transport) $EXAMPLE_PORT
  for message in '1 20' '100 20' '65536 10' '524288 4'; do # bytes, messages
    read -r bytes messages <<<"$message"
    crowd $transport --count 6 --messages "$messages" --bytes "$bytes"
    has_line crowd "^echoed $((6 * messages))$" || fail "$bytes bytes: not all echoes"
    has_line crowd '^closed 6$' || fail "$bytes bytes: not all are shut down"
  done
  # Told to end with associations open, it shuts them down: the client gets an end of file, no reset
  mkfifo "$WORK/hold.$transport.fifo"
  exec 9<>"$WORK/hold.$transport.fifo"
  start_crowd guests $transport --count 3 --hold <"$WORK/hold.$transport.fifo"
  wait_until 20 has_line guests '^echoed 3$' || fail "no echo before the end"
  stop_example
  exec 9>&-
  must_finish guests 20
  has_line guests '^closed 3$' || fail "the server's end was no graceful shutdown"
  say "$transport: 6 clients, messages of 1 to 524288 bytes, graceful end"
done

# Without a port, and on a port that is taken: a line, and exit status 1
status=0
in_net "$NET_B" "$(built examples/echo-server)" >/dev/null 2>"$WORK/usage.err" || status=$?
[[ $status = 1 && $(wc -l <"$WORK/usage.err") = 1 ]] || fail "no usage line"
start_example echo-server $EXAMPLE_PORT
status=0
in_net "$NET_B" timeout 10 "$(built examples/echo-server)" $EXAMPLE_PORT >/dev/null 2>"$WORK/taken.err" || status=$?
[[ $status = 1 ]] && grep -q 'Address already in use' "$WORK/taken.err" || fail "a port that is taken: $status"
stop_example
