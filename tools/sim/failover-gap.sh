#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# failover-gap.sh [USCTP-SIM]: how long nothing is delivered when the primary path is cut that
# carries 8 of 10 Mbit/s, for round-trip times from 1 to 300 ms, in ms of virtual time: with the defaults, and with RTO.Min
# 50 ms and a SACK delay of 20 ms on both hosts.  "black hole": what the sender sends is lost; "cut":
# so is what comes back, SACKs that were on their way among it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
sim=${1:-$here/../../build/release/tools/usctp-sim}
[[ -x $sim ]] || { echo "failover-gap.sh: no program $sim (build it, or name it)" >&2; exit 2; }
tuned=(--set rto_min_us=50ms --set sack_delay_us=20ms)

# gap RTT-MS A-OR-NOTHING OPTION...: the gap in ms
gap() {
    local half=$(($1 * 500))us cut="cut ${2:+$2 }5s 35s" us
    shift 2
    us=$("$sim" --print a.gap_us --seconds 60 --traffic "rate 8Mbit, size 1000" \
        --path "rate 10Mbit, delay $half, queue 500, $cut" \
        --path "rate 10Mbit, delay $half, queue 500" "$@") || { echo "failover-gap.sh: $sim failed" >&2; exit 1; }
    printf '%d.%d' $((us / 1000)) $((us % 1000 / 100))
}

printf '%7s  %24s  %24s\n' "RTT/ms" "defaults" "RTO.Min 50, SACK 20 ms"
printf '%7s  %12s%12s  %12s%12s\n' "" "black hole" "cut" "black hole" "cut"
for rtt in 1 2 5 10 20 50 100 150 200 300; do
    a=$(gap $rtt a)
    b=$(gap $rtt "")
    c=$(gap $rtt a "${tuned[@]}")
    d=$(gap $rtt "" "${tuned[@]}")
    printf '%7d  %12s%12s  %12s%12s\n' "$rtt" "$a" "$b" "$c" "$d"
done
