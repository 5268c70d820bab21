#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Failover in virtual time, for round-trip times from 1 to 300 ms: nothing is lost, data moves with the
# first T3 expiry (RFC 7829) and comes back after the repair, and the gap in delivery is what RTO and
# round trip make it: with RTO.Min 50 ms and a SACK delay of 20 ms below 200 ms on short ways.
# ctest-timeout: 400
set -euo pipefail
. "$(dirname "$0")/usctp_sim_lib.sh"

# failover RTT-MS CUT OPTION...: sets gap_us and t3
failover() {
    local half=$(($1 * 500))us cut=$2 delivered sent failovers returns bytes back
    shift 2
    local names=a.gap_us,a.t3_expiries,a.failovers,a.returns,a.messages_sent,a.messages_delivered
    play "$names,paths.1.a.bytes_delivered,a.gap_end_us" \
        --seconds 120 --traffic "rate 8Mbit, size 1000" \
        --path "rate 10Mbit, delay $half, queue 500, cut $cut" \
        --path "rate 10Mbit, delay $half, queue 500" "$@"
    read -r gap_us t3 failovers returns sent delivered bytes back <<<"$values"
    [[ $sent == "$delivered" ]] || fail "$sent messages sent, $delivered delivered"
    between "failovers" "$failovers" 1 10
    between "returns" "$returns" 1 10
    # 10 s of 8 Mbit/s and what waited, but for the time that a new window takes to open, which is long on long ways;
    # and until the next heartbeat, where the path is inactive.
    between "bytes on the other path" "$bytes" 5000000 115000000
    between "end of the gap" "$back" 0 9000000 # a new window may be the longest wait
}

for rtt in 1 10 50 100 300; do
    # A black hole: what was sent is lost, SACKs of before arrive. One RTO of 1 s (RTO.Min) from the last
    # SACK on, which is delayed by up to 200 ms and has a round trip behind it, and one way there.
    failover $rtt "a 5s 15s"
    between "gap in us, RTT $rtt ms" "$gap_us" 1000000 $((1200000 + rtt * 1500 + 50000))
    [[ $t3 == 1 ]] || fail "RTT $rtt ms: data moves with T3 expiry number $t3"
    first=$gap_us
    # SACKs are cut too: what they told of is told on the other path, and is no sign of life.
    failover $rtt "5s 15s"
    between "gap in us, RTT $rtt ms, SACKs lost" "$gap_us" 900000 $((1200000 + rtt * 1500 + 50000))
    echo "RTT $rtt ms: $((first / 1000)) ms, with SACKs lost $((gap_us / 1000)) ms"
done
for rtt in 1 10 50 100 300; do
    failover $rtt "a 5s 15s" --set rto_min_us=50ms --set sack_delay_us=20ms
    [[ $rtt -gt 50 ]] || between "gap in us, RTT $rtt ms, RTO.Min 50 ms" "$gap_us" 50000 200000
    between "gap in us, RTT $rtt ms, RTO.Min 50 ms" "$gap_us" 50000 $((200000 + rtt * 3000))
    echo "RTT $rtt ms, RTO.Min 50 ms: $((gap_us / 1000)) ms"
done

# The command that prints the whole table does.
timeout 100 "$USCTP_SOURCE/tools/sim/failover-gap.sh" "$sim" >"$work/gaps" || fail "failover-gap.sh: exit status $?"
cat "$work/gaps"
[[ $(wc -l <"$work/gaps") == 12 && $(awk 'NF == 5 && $1 + 0 > 0' "$work/gaps" | wc -l) == 10 ]] ||
    fail "failover-gap.sh does not print ten lines of four gaps"
