#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# goodput.sh [USCTP-SIM [TIMES]]: goodput in kbit/s of one association over 10 Mbit/s, for random loss on
# the way there and back and for round-trip times: the mean of some seeds, each of 60 s of virtual time,
# and TIMES as many.  Few losses a minute, or timeouts, make one seed say little (a standard deviation of
# up to 20 %): there it is the mean of thirty, with a standard error below 4 %. Where losses are rarest
# and a round trip is longest, a minute is mostly what slow start got before the first of them: there it is
# five minutes.
# tests/sim/goodput.txt is what this prints with TIMES 8.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
sim=${1:-$here/../../build/release/tools/usctp-sim}
times=${2:-1}
[[ -x $sim ]] || { echo "goodput.sh: no program $sim (build it, or name it)" >&2; exit 2; }

printf '%-7s' loss
printf ' %9s' "1 ms" "10 ms" "50 ms" "100 ms" "300 ms"
printf '\n'
for loss in 0 0.1 1 3 10; do
    printf '%-7s' "$loss%"
    for rtt in 1 10 50 100 300; do
        case $loss:$rtt in
        0:*) runs=1 ;;
        3:* | 10:* | *:100 | *:300) runs=$((30 * times)) ;;
        *) runs=$((6 * times)) ;;
        esac
        seconds=60
        [[ $loss:$rtt != 0.1:300 ]] || seconds=300
        bits=$("$sim" --runs $runs --print a.goodput_bits_per_s --seconds $seconds \
            --path "rate 10Mbit, delay $((rtt * 500))us, loss $loss%, queue 300" \
            --traffic "size 1400") || { echo "goodput.sh: $sim failed" >&2; exit 1; }
        printf ' %9s' "$(awk '{ sum += $1 } END { printf "%d", sum / NR / 1000 }' <<<"$bits")"
    done
    printf '\n'
done
