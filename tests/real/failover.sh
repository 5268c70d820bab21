# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
#
# Failover of a transfer over two paths whose primary is black-holed under load and repaired later.  The
# test_failover*.sh files name the pairs.  Twice, with
# - default: the timers of RFC 9260; after the first T3-rtx expiry all new DATA must be on the alternate;
# - fast:    RTO.Min 50 ms and a SACK delay of 20 ms on both ends; the same, and the gap in delivery is
#            printed (a busy machine's scheduling is in it, so no limit is asserted).
# Nothing may be lost, and new DATA must be on the primary again after the repair.  What a kernel does as
# the sender is printed only.
. "$(dirname "${BASH_SOURCE[0]}")/cases.sh"

PACE="65536 20" # 3.2 MB/s
PYTHON=/usr/bin/python3

cat_options() { # TRANSPORT TIMERS
  printf ' -v'
  [ "$2" != fast ] || printf ' --rto 50,1000,60000 --sack-delay 20'
}
peer_options() {
  # A heartbeat finds out that the primary is back; Linux sends none but at its interval
  printf ' --heartbeat 1000'
  [ "$2" != fast ] || printf ' --rto-min 50 --rto-initial 1000 --rto-max 60000 --sack-delay 20'
}

now() { echo "$EPOCHREALTIME"; }

# failover SENDER RECEIVER TIMERS MIB
failover() {
  local from=a side=b sender receiver bytes=$(($4 * MIB)) carried other cut repair gap primary
  local t3 again alternate primary_new later captures=(sent) nic
  sender=$(joined "${A_ADDR[@]}") receiver=$(joined "${B_ADDR[@]}") primary=${B_ADDR[0]}
  [ "$1" != kernel ] || { from=b side=a sender=$(joined "${B_ADDR[@]}") receiver=$(joined "${A_ADDR[@]}") primary=${A_ADDR[0]}; }
  make_file "$WORK/paced.data" "$bytes" 2
  rm -f "$WORK"/received.got "$WORK"/*.fifo "$WORK"/*.pcap
  mkfifo "$WORK/paced.fifo"
  # What A sends and what it gets is seen before it is dropped; what reaches a guest, on its TAP devices
  capture_start sent "$NET_A" any
  if [ "$2" = kernel ]; then
    for nic in 0 1; do capture_start "arrived$nic" "$NET_B" "$KERNEL$nic"; captures+=("arrived$nic"); done
  else
    mkfifo "$WORK/received.got"
    spawn reader $PYTHON "$REAL_DIR/failover.py" deliver "$WORK/received.got" "$WORK/delivered.data" "$WORK/delivered" </dev/null
  fi
  start_receiver "$2" $side "$receiver" raw4 "$3"
  if [ "$1" != kernel ]; then
    # shellcheck disable=SC2086
    spawn feeder pace "$WORK/paced.data" "$WORK/paced.fifo" $PACE
  fi
  carried=$(carried 0 $side)
  start_sender "$1" $from "$sender" "$receiver" raw4 "$3" "$WORK/paced.fifo"
  wait_until 60 has_carried 0 $side $((carried + bytes / 4)) || fail "the primary carries no quarter of the file"
  cut=$(now); path_cut 0 $side
  other=$(carried 1 $side)
  wait_until 20 has_carried 1 $side $((other + MIB)) || fail "$1 -> $2, $3: the alternate does not carry the data"
  sleep 0.5
  repair=$(now); path_repair 0 $side
  must_finish sender 120
  must_finish receiver 30
  [ "$1" = kernel ] || must_finish feeder 5
  if [ "$2" = kernel ]; then
    same_file "$WORK/paced.data" "$WORK/received.got"
  else
    must_finish reader 5
    same_file "$WORK/paced.data" "$WORK/delivered.data"
  fi
  for nic in "${captures[@]}"; do capture_stop "$nic"; done
  if [ "$2" = kernel ]; then
    gap=$($PYTHON "$REAL_DIR/failover.py" front "$cut" "$repair" "$WORK"/arrived?.pcap)
  else
    gap=$($PYTHON "$REAL_DIR/failover.py" gap "$WORK/delivered" "$cut" "$repair")
  fi
  read -r t3 again alternate primary_new later < <($PYTHON "$REAL_DIR/failover.py" moves "$WORK/sent.pcap" "$primary" "$cut" "$repair")
  say "$1 -> $2, $3: gap in delivery $gap ms; T3-rtx expired $t3 ms after the cut, $again chunks were sent again;" \
    "then new DATA: $alternate chunks on the alternate, $primary_new on the primary; after the repair $later on the primary"
  [ "$t3" -ge 0 ] || fail "nothing was sent again: the cut path had nothing to lose"
  [ "$1" != kernel ] || return 0
  [ "$primary_new" = 0 ] || fail "$primary_new new chunks went to the primary after the first T3-rtx expiry"
  [ "$alternate" -gt 0 ] || fail "no new chunk went to the alternate"
  [ "$later" -gt 0 ] || fail "nothing new went to the primary after its repair"
}

# case_failover PEER
case_failover() {
  local timers mib run
  need_tool tcpdump
  $PYTHON -c 'import scapy' 2>/dev/null || skip "python3-scapy is not installed"
  need_kind usctp; need_kind "$1"
  need_net "$1" 4 6
  for ((run = 0; run < ${RUNS:-1}; run++)); do
    for timers in ${TIMERS:-default fast}; do
      if [ "$timers" = default ]; then mib=32; else mib=24; fi
      failover usctp "$1" "$timers" $mib
      [ "$1" = usctp ] || failover "$1" usctp "$timers" $mib
    done
  done
}
