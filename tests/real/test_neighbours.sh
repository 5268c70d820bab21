#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Several usctp processes on one host (side A), strange packets from another (side B): each packet for nobody's
# port gets exactly one answer, from the one process that speaks; none gets an answer for a port that somebody has
# but from him; another takes over when the speaker ends; a foreign raw socket silences all; a port is one process's.
# ctest-waits: mostly
# shellcheck disable=SC2034 # read by lib.sh
TEST_LIMIT_S=150
. "$(dirname "$0")/lib.sh"

cat=$(built tools/usctp-cat)
need_tool python3
net_make 4 6

ABORT_REFLECTED='6:1:01020304'    # T bit, the packet's own tag (RFC 9260 8.4 rule 8)
ABORT_OF_INIT='6:0:0a0b0c0d'      # no T bit, the INIT's initiate tag (8.4 rule 3, 8.5.1 B)
COMPLETE_REFLECTED='14:1:01020304' # 8.4 rule 5

stray() { # stray PATH PORT KIND [WAIT-MS]
  in_net "$NET_B" "$REAL_DIR/stray.py" "${B_ADDR[$1]}" "${A_ADDR[$1]}" "${@:2}"
}
expect() { # expect WHAT PATH PORT KIND
  local got
  got=$(stray "${@:2}")
  [[ $got == $1 ]] || fail "$4 to port $3 over path $2: expected $1, got $got"
}
# INIT ACK: type 2 with the initiate tag, once
expect_init_ack() { expect '2:0:0a0b0c0d' "$1" "$2" init; }

start() { # start NAME PORT OPTION...: usctp-cat listening on side A
  spawn "$1" in_net "$NET_A" "$cat" -v "${@:3}" -l "$(joined "${A_ADDR[@]}")" "$2" </dev/null >"$WORK/$1.out"
  wait_until 10 has_line "$1" 'listening on port' || fail "$1 does not listen"
}
stop() { kill -TERM "${PID[$1]}"; finish "$1" 10 || true; }

say "a process that does not speak"
start quiet 5003 --no-speaker
expect silence 0 6000 init
expect_init_ack 0 5003

say "one that does, beside it"
start one 5001
for path in 0 1; do
  expect $ABORT_OF_INIT $path 6000 init
  expect $ABORT_REFLECTED $path 6000 data
  expect $COMPLETE_REFLECTED $path 6000 shutdown-ack
  expect silence $path 6000 abort
  expect silence $path 6000 shutdown-complete
  expect silence $path 6000 bad
  expect_init_ack $path 5001
  expect_init_ack $path 5003
  expect $ABORT_REFLECTED $path 5003 data
  expect $ABORT_REFLECTED $path 5001 data
done

say "three processes, one answer"
start two 5002
for path in 0 1; do
  expect $ABORT_OF_INIT $path 6000 init
  expect $ABORT_REFLECTED $path 6000 data
  for port in 5001 5002 5003; do expect_init_ack $path $port; done
done

say "a taken port"
status=0
in_net "$NET_A" timeout 10 "$cat" -l "${A_ADDR[0]}" 5002 </dev/null 2>"$WORK/taken.err" || status=$?
[ $status != 0 ] && grep -qi 'address already in use' "$WORK/taken.err" || fail "port 5002 was taken twice ($status)"

say "a transfer to another process does not wake the speaker"
make_file "$WORK/sent.data" $((24 * 1024 * 1024)) 7
wakes() { sed -n 's/^voluntary_ctxt_switches:\s*//p' "/proc/${PID[one]}/status"; }
# The first of its packets teaches the speaker that the port is another's
before=$(wakes)
in_net "$NET_B" timeout 60 "$cat" "${A_ADDR[0]}" 5002 <"$WORK/sent.data" >/dev/null 2>"$WORK/sender.err" ||
  fail "the transfer: exit status $?"
must_finish two 20
same_file "$WORK/sent.data" "$WORK/two.out"
woken=$(($(wakes) - before))
[ $woken -lt 400 ] || fail "the speaker woke $woken times during the transfer"
say "it woke $woken times"

say "a port that was given up is answered for"
expect $ABORT_OF_INIT 0 5002 init

say "the speaker ends, another takes over"
start two 5002
stop one
expect $ABORT_OF_INIT 0 6000 init
expect $ABORT_OF_INIT 0 5001 init
expect $ABORT_REFLECTED 1 6000 data
expect_init_ack 0 5002
stop two
expect silence 0 6000 init
start one 5001
expect $ABORT_OF_INIT 1 6000 init

say "a foreign raw socket silences the speaker, for both families"
for family in 4 6; do
  spawn hold in_net "$NET_A" "$REAL_DIR/stray.py" --hold $family </dev/null
  wait_until 10 has_line hold held || fail "the foreign socket does not open"
  for path in 0 1; do
    expect silence $path 6000 init
    expect silence $path 6000 data
    expect_init_ack $path 5001
    expect $ABORT_REFLECTED $path 5001 data # for its own ports it still speaks
  done
  stop hold
  speaks_again() { [ "$(stray 0 6000 init 200)" = $ABORT_OF_INIT ]; }
  wait_until 10 speaks_again || fail "the speaker stays silent when the foreign socket is gone"
done
stop one
stop quiet
say "ok"
