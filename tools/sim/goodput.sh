#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# goodput.sh [USCTP-SIM]: goodput in kbit/s of one association over 10 Mbit/s, for random loss on the
# way there and back and for round-trip times: the mean of three seeds, each of 60 s of virtual time.
# tests/sim/goodput.txt is what this prints.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
sim=${1:-$here/../../build/release/tools/usctp-sim}
[[ -x $sim ]] || { echo "goodput.sh: no program $sim (build it, or name it)" >&2; exit 2; }

printf '%-7s' loss
printf ' %9s' "1 ms" "10 ms" "50 ms" "100 ms" "300 ms"
printf '\n'
for loss in 0 0.1 1 3 10; do
    printf '%-7s' "$loss%"
    for rtt in 1 10 50 100 300; do
        bits=$("$sim" --runs 3 --print a.goodput_bits_per_s --seconds 60 \
            --path "rate 10Mbit, delay $((rtt * 500))us, loss $loss%, queue 300" \
            --traffic "size 1400") || { echo "goodput.sh: $sim failed" >&2; exit 1; }
        printf ' %9s' "$(awk '{ sum += $1 } END { printf "%d", sum / NR / 1000 }' <<<"$bits")"
    done
    printf '\n'
done
