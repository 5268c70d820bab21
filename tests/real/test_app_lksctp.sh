#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# ctest-waits: mostly
# ctest-cost: 60
#
# The programs of lksctp-tools, unchanged, each in both roles: sctp_darn (both styles, by lines and
# interactively, several addresses, several endpoints with poll and select), sctp_test (both styles; what
# arrives is what was sent, size by size, stream by stream), sctp_status (which
# forks: the child asks about its parent's association), checksctp.
# shellcheck disable=SC2034 # read by lib.sh
TEST_LIMIT_S=280
. "$(dirname "$0")/app.sh"

app_need sctp_darn lksctp-tools
app_net 4 4 6
LINES="stdbuf -oL" # or they keep what they say to themselves

between() { say "${*:2}: $(stack_of "$(other "$1")") to $(stack_of "$1")"; }

# --- sctp_darn ----------------------------------------------------------------------------------------

# exploded ADDRESS: as sctp_darn writes it, an IPv6 address with every digit
exploded() { python3 -c 'import ipaddress, sys; print(ipaddress.ip_address(sys.argv[1]).exploded)' "$1"; }

darn() { # darn NAME SIDE PATH PORT ARGUMENT...
  # shellcheck disable=SC2086
  app_start "$1" "$2" typed $LINES sctp_darn -H "$(addr "$2" "$3")" -P "$4" "${@:5}"
}
# Its exit status says nothing (main() has no return)
darn_ends() {
  local status=0
  app_end "$1" 20 || status=$?
  [ $status != 124 ] || app_fail "$1 does not end"
  [ $status -lt 128 ] || [ $status -gt 159 ] || app_fail "$1 was killed by signal $((status - 128))"
}

# darn_lines SERVER-SIDE PATH STYLE ENDING: lines to a listener, and how that knows of the end
darn_lines() {
  local client
  client=$(other "$1")
  # shellcheck disable=SC2086
  darn listener "$1" "$2" 2500 $3 -l
  must_say listener 'listening\.\.\.'
  # shellcheck disable=SC2086
  darn client "$client" "$2" 2600 $3 -h "$(addr "$1" "$2")" -p 2500 -s
  app_type client "first line"; must_say listener 'DATA(1[12]):  first line'
  app_type client "second line"; must_say listener 'DATA(1[23]):  second line'
  must_say client "^$(exploded "$(addr "$1" "$2")"):2500"
  app_type_end client; darn_ends client
  must_say listener "$4"
  must_say listener 'No association is present now'
  app_stop listener
  app_end listener 10 || true
  between "$1" "sctp_darn $3, lines over $(addr "$1" "$2")"
}

# darn_many SERVER-SIDE STYLE: bindx and connectx
darn_many() {
  local client
  client=$(other "$1")
  # shellcheck disable=SC2086
  darn listener "$1" 0 2500 $2 -B "$(addr "$1" 1)" -l
  must_say listener 'listening\.\.\.'
  # shellcheck disable=SC2086
  darn client "$client" 0 2600 $2 -B "$(addr "$client" 1)" -c "$(addr "$1" 0)" -c "$(addr "$1" 1)" -p 2500 -s
  app_type client "over two paths"; must_say listener 'over two paths'
  must_say client "^$(addr "$1" 0):2500"
  must_say client "^$(addr "$1" 1):2500"
  app_type_end client; darn_ends client
  must_say listener 'No association is present now'
  app_stop listener
  app_end listener 10 || true
  between "$1" "sctp_darn $2, two addresses on each side"
}

# command NAME LINE [PATTERN]: typed into an interactive sctp_darn; what it says then
command_says() {
  local before
  before=$(wc -c <"$APP_DIR/$1.out")
  app_type "$1" "$2"
  wait_until 10 says_after "$1" "$before" "${3:-Interactive mode>}" || app_fail "$1: \"$2\" is not followed by \"$3\""
}
says_after() { cat "$APP_DIR/$1.out" "$APP_DIR/$1.err" | tail -c "+$(($2 + 1))" | grep -aq -e "$3"; }

darn_interactive() { # darn_interactive SERVER-SIDE
  local client
  client=$(other "$1")
  darn listener "$1" 0 2500 -I -l
  must_say listener 'Interactive mode>'
  darn client "$client" 0 2600 -I -h "$(addr "$1")" -p 2500 -s
  must_say client 'Interactive mode>'
  app_type client snd=5
  app_type listener rcv=1
  must_say listener 'ASSOC_CHANGE - COMM_UP'
  app_type listener rcv=1
  must_say listener 'DATA(5):'
  command_says client nodelay=1
  command_says client maxseg=500
  command_says client "heartbeat=$(addr "$1")"
  command_says client "primary=$(addr "$1")"
  command_says client "sndbuf=100000"
  command_says client stats 'Ordered data chunks sent: 1$'
  app_type client snd=3000
  app_type listener rcv=1
  must_say listener 'DATA(3000):'
  command_says client stats 'Maximum Observed RTO'
  app_type client shutdown
  must_say client 'Successfully SHUTDOWN'
  app_type listener rcv=1
  must_say listener 'ASSOC_CHANGE - SHUTDOWN_COMP'
  app_type_end client; darn_ends client
  app_type_end listener
  app_stop listener; app_end listener 10 || true
  between "$1" "sctp_darn -I, options, statistics, shutdown"
}

# darn_endpoints SERVER-SIDE OPTION...: three endpoints wait, with select or poll
darn_endpoints() {
  local client
  client=$(other "$1")
  darn listener "$1" 0 2500 -i 3 "${@:2}"
  must_say listener 'listening\.\.\.'
  darn client "$client" 0 2600 -h "$(addr "$1")" -p 2502 -s
  app_type client "to the third"; must_say listener 'to the third'
  app_type_end client; darn_ends client
  must_say listener 'SHUTDOWN_COMP'
  app_stop listener
  app_end listener 10 || true
  between "$1" "sctp_darn -i 3 ${*:2}"
}

# --- sctp_test ----------------------------------------------------------------------------------------

# same_messages ORDERED: what the listener of sctp_test lists is what its client lists.  A large message may come
# in pieces; its protocol id, a random number, says what belongs together.
same_messages() {
  python3 - "$APP_DIR/client.out" "$APP_DIR/listener.out" "$1" <<'END'
import re, sys
SENT = re.compile(r"sendmsg\(sk=\d+, assoc=\d+\)\s+(\d+) bytes\.\s+SNDRCV\(stream=(\d+) flags=(\w+) ppid=(\d+)")
GOT = re.compile(r"Data (\d+) bytes.*(?:\s+SNDRCV\(stream=(\d+) ssn=\d+ tsn=\d+ flags=(\w+) ppid=(\d+))?")
sent = {m[1:]: int(m[0]) for m in SENT.findall(open(sys.argv[1]).read())}
got, untold = {}, 0
for size, *told in GOT.findall(open(sys.argv[2], errors="replace").read()):
    if told[0]:
        got[tuple(told)] = got.get(tuple(told), 0) + int(size)
    else: # read before the listener had asked to be told
        untold += int(size)
if not sent or sum(sent.values()) != sum(got.values()) + untold:
    sys.exit(f"{sum(sent.values())} bytes sent, {sum(got.values()) + untold} received")
wrong = [m for m in got if got[m] != sent.get(m)]
if len(got) < len(sent) - 3 or len(wrong) > (untold > 0):
    sys.exit(f"{len(sent)} messages sent, {len(got)} told of; wrong: {wrong[:5]}")
if sys.argv[3] == "ordered" and [m for m in sent if m in got] != list(got):
    sys.exit("not in the same order")
END
}
said_bytes() { sed -n "s/.*$2 *\([0-9]*\) bytes.*/\1/p" "$APP_DIR/$1.out" | awk '{ n += $1 } END { print n + 0 }'; }
received() { [ "$(said_bytes listener Data)" -ge "$1" ]; }

# test_messages SERVER-SIDE PATH ORDERED OPTION...: for the client; -T for both
test_messages() {
  local client style='' sent
  client=$(other "$1")
  [[ " ${*:4} " != *' -T '* ]] || style=-T
  # shellcheck disable=SC2086
  app_start listener "$1" none $LINES sctp_test $style -H "$(addr "$1" "$2")" -P 2500 -l
  must_say listener 'Receiving packets'
  # shellcheck disable=SC2086
  app_start client "$client" none $LINES sctp_test -H "$(addr "$client" "$2")" -P 2600 \
    -h "$(addr "$1" "$2")" -p 2500 -s "${@:4}"
  must_end client 60
  sent=$(said_bytes client 'assoc=[0-9]*)')
  wait_until 20 received "$sent" || app_fail "not all of $sent bytes arrive"
  must_say listener 'SHUTDOWN_COMPLETE\|No association is present now' # -T: the end may be read first
  app_stop listener; must_end listener 10 143
  same_messages "$3" || app_fail "sctp_test ${*:4}"
  between "$1" "sctp_test ${*:4}, $sent bytes over $(addr "$1" "$2")"
}

# --- the small ones -----------------------------------------------------------------------------------

check_sctp() { # check_sctp SIDE
  app_start check "$1" none checksctp
  must_end check 10
  app_says check '^SCTP supported' || app_fail "checksctp does not say: SCTP supported"
  say "checksctp: SCTP supported ($(stack_of "$1"))"
}

# status_of SERVER-SIDE: sctp_status writes down what SCTP_STATUS says of the association.  Its child asks on,
# without a rest, as long as the association lives, and on Linux has the port that long: one of its own.
status_of() {
  local client line
  client=$(other "$1")
  # shellcheck disable=SC2086
  app_start listener "$1" none $LINES sctp_test -H "$(addr "$1")" -P 2500 -l
  must_say listener 'Receiving packets'
  # shellcheck disable=SC2086
  app_start client "$client" none setsid $LINES sctp_status -H "$(addr "$client")" -P 2700 -h "$(addr "$1")" -p 2500 -s \
    -c 1400 -x 500 -M 4 -f "status-$client.txt" # long enough to be asked about
  must_end client 60
  app_stop_group client
  line=$(grep -a -m 1 ESTABLISHED "$APP_DIR/status-$client.txt") || app_fail "sctp_status knows no association"
  # NO. ASSOC-ID STATE RWND UNACKDATA PENDDATA INSTRMS OUTSTRMS FRAG-POINT SPINFO-STATE CWND SRTT RTO MTU
  awk '$7 != 4 || $8 != 4 || $9 > 1500 || $9 < 1000 || $10 != "ACTIVE" || $11 < 4380 || $13 < 100 || $14 != 1500 { exit 1 }' \
    <<<"$line" || app_fail "sctp_status says: $line"
  must_say listener "Data 1400 bytes"
  app_stop listener; app_end listener 10 || true
  between "$1" "sctp_status"
}

check_sctp a
check_sctp b
app_capture_start checked
for server in b a; do
  darn_lines $server 0 "" 'ASSOC_CHANGE - SHUTDOWN_COMP'
  darn_lines $server 0 -t 'DATA(0):'
  darn_lines $server 2 "" 'ASSOC_CHANGE - SHUTDOWN_COMP'
  darn_many $server ""
  darn_many $server -t
  darn_interactive $server
  darn_endpoints $server
  darn_endpoints $server --use-poll
  status_of $server
done
for server in b a; do
  test_messages $server 0 any -c 4 -x 10 -M 4
  test_messages $server 0 any -c 4 -x 10 -M 4 -T
  test_messages $server 2 ordered -c 3 -x 20 -o 1
  test_messages $server 0 ordered -c 1 -x 10 -o 1 -T
  test_messages $server 0 any -c 6 -x 100 -o 2 -M 8 -t 1
  test_messages $server 0 any -c 5 -x 30 -T
done
app_capture_stop checked
