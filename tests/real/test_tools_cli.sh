#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The command lines of usctp-cat and usctp-perf: help, version, and one clear line for each thing that
# can be wrong: usage (exit status 2), host not found, refused, timed out, address in use.
# shellcheck disable=SC2034 # read by lib.sh
TEST_LIMIT_S=120
. "$(dirname "$0")/lib.sh"

cat=$(built tools/usctp-cat)
perf=$(built tools/usctp-perf)
version=$(sed -n 's/^project(usctp VERSION \([0-9.]*\).*/\1/p' "$REAL_DIR/../../CMakeLists.txt")

# expect STATUS PATTERN COMMAND...: exit status, and one line on stderr that says so
expect() {
  local wanted=$1 pattern=$2 status=0
  shift 2
  timeout 60 "$@" </dev/null >"$WORK/out" 2>"$WORK/err" || status=$?
  [ $status = "$wanted" ] || fail "$*: exit status $status, not $wanted: $(cat "$WORK/err")"
  grep -q -e "$pattern" "$WORK/err" || fail "$*: not \"$pattern\" but: $(cat "$WORK/err")"
  [ "$(grep -vc "^Try '" "$WORK/err")" = 1 ] || fail "$*: not one line: $(cat "$WORK/err")"
}

for program in "$cat" "$perf"; do
  name=$(basename "$program")
  "$program" --help >"$WORK/out" 2>"$WORK/err" || fail "$name --help fails"
  grep -q "^Usage: $name" "$WORK/out" || fail "$name --help says no usage"
  [ ! -s "$WORK/err" ] || fail "$name --help writes to stderr"
  # Every option that it knows is in its help
  for option in udp bind streams rto sack-delay heartbeat set pcap stats verbose help version; do
    grep -q -e "--$option" "$WORK/out" || fail "$name --help does not mention --$option"
  done
  [ "$("$program" --version)" = "$name (usctp) $version" ] || fail "$name --version: $("$program" --version)"
  "$program" --set help | grep -q '^rto_min_us=1000000 ' || fail "$name --set help lists no rto_min_us"
  expect 2 'unrecognized option' "$program" --nonsense
  expect 2 'must be a number' "$program" --streams none
  expect 2 'must be a number' "$program" --udp=70000
  expect 2 'MIN,INITIAL,MAX' "$program" --rto 1,2
  expect 2 'MIN,INITIAL,MAX' "$program" --rto 1,2,3,4
  expect 2 'NAME=VALUE' "$program" --set rto_min_us
  expect 2 'no tunable is called "rto"' "$program" --set rto=1
  expect 2 'max_burst must be a number from 1 to 1024' "$program" --set max_burst=5000
  expect 2 'sack_delay_us must be from' "$program" --sack-delay 501
done
expect 2 'HOST and PORT are wanted' "$cat"
expect 2 'HOST and PORT are wanted' "$cat" 127.0.0.1
expect 2 'PORT is wanted' "$cat" -l
expect 2 'PORT must be' "$cat" 127.0.0.1 none
expect 2 'PORT must be' "$cat" 127.0.0.1 65536
expect 2 'not a list of hosts' "$cat" 127.0.0.1, 7
expect 2 'MIN <= INITIAL <= MAX' "$cat" --rto 3000,200,100 127.0.0.1 7
expect 2 'either -s or -c' "$perf"
expect 2 'either -s or -c' "$perf" -s -c 127.0.0.1
expect 2 'must be a number' "$perf" -c 127.0.0.1 -t 0
expect 1 'host not found: no.such.host.invalid' "$cat" --udp no.such.host.invalid 7
expect 1 'host not found: no.such.host.invalid' "$perf" --udp -c no.such.host.invalid

need_root
net_make 4
[ -e /proc/net/raw ] || skip "no /proc/net/raw here"
here=(ip netns exec "$NET_A")
quick=(--set max_init_retransmits=1 --rto "100,100,200")
expect 1 'cannot write the capture' "${here[@]}" "$cat" --pcap /nowhere/x.pcap --udp "${B_ADDR[0]}" 7
expect 1 'cannot bind' "${here[@]}" "$cat" --bind 192.0.2.1 "${B_ADDR[0]}" 7
expect 1 'cannot bind' "${here[@]}" "$cat" -l 192.0.2.1 7
# RFC 6951: no such UDP port there, says ICMP
expect 1 "${B_ADDR[0]}, port 7, over UDP port 9: connection refused" \
  "${here[@]}" "$cat" --udp=9 --sack-delay 50 "${quick[@]}" "${B_ADDR[0]}" 7
# The far host drops everything: T1-init gives up (RFC 9260 5.1.6)
path_cut 0 b
expect 1 'timed out' "${here[@]}" "$cat" --sack-delay 50 "${quick[@]}" "${B_ADDR[0]}" 7
expect 1 'timed out' "${here[@]}" "$perf" --sack-delay 50 "${quick[@]}" -c "${B_ADDR[0]}"
path_repair 0 b

# A port is one process's; a signal ends a listener
spawn first in_net "$NET_A" "$cat" -v -l 7 </dev/null >/dev/null
wait_until 10 has_line first listening || fail "usctp-cat -l does not listen"
expect 1 'Address already in use' "${here[@]}" "$cat" -l 7
kill -TERM "${PID[first]}"
status=0
finish first 10 || status=$?
[ $status = 143 ] || fail "after SIGTERM: exit status $status"
say "help, version, and a clear line for every error"
