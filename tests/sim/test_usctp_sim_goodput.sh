#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Goodput for loss and round-trip time, against the table in goodput.txt (within 10 %: a tripwire) and
# against what must hold of any such table: it stays below the rate and falls with loss and with
# round-trip time; without loss nearly all of the rate is used; and where loss alone is the limit it is
# MSS / RTT * sqrt(3 / 2) / sqrt(loss) (Mathis and others, CCR 1997), within a third.
# A change that is meant: tools/sim/goodput.sh build/release/tools/usctp-sim 8 >tests/sim/goodput.txt
# One that only draws other random numbers stays within: the table is the mean of hundreds of seeds.
# ctest-timeout: 400
set -euo pipefail
. "$(dirname "$0")/usctp_sim_lib.sh"
table=$(dirname "$0")/goodput.txt

timeout 190 "$USCTP_SOURCE/tools/sim/goodput.sh" "$sim" >"$work/table" || fail "goodput.sh: exit status $?"
cat "$work/table"

# Columns 2 to 6, lines 2 to 6 of both.
awk -v rtts="1 10 50 100 300" -v losses="0 0.1 1 3 10" '
    function wrong(what) {
        printf "loss %s %%, RTT %s ms: %d kbit/s, %s\n", loss[i - 1], rtt[j - 1], now[i, j], what
        bad = 1
    }
    FNR > 1 {
        if (NF != 6) { print FILENAME ": not a table"; bad = 1; exit 1 }
        for (j = 2; j <= 6; j++)
            if (NR == FNR) kept[FNR, j] = $j
            else now[FNR, j] = $j
        if (NR == FNR) kept_rows++
        else rows++
    }
    END {
        split(rtts, rtt, " ")
        split(losses, loss, " ")
        if (rows != 5 || kept_rows != 5) { print "not five lines each"; exit 1 }
        for (i = 2; i <= 6; i++)
            for (j = 2; j <= 6; j++) {
                if (now[i, j] > kept[i, j] * 1.1 || now[i, j] < kept[i, j] * 0.9)
                    wrong("the table has " kept[i, j])
                # 1400 bytes of 1448, the IP header among them
                if (now[i, j] <= 0 || now[i, j] > 10000 * 1400 / 1448)
                    wrong("which the link cannot carry")
                if (i > 2 && now[i, j] > now[i - 1, j] * 1.03)
                    wrong("more than with less loss: " now[i - 1, j])
                if (j > 2 && now[i, j] > now[i, j - 1] * 1.05)
                    wrong("more than at a shorter distance: " now[i, j - 1])
                if (i == 2 && now[i, j] < 9000)
                    wrong("without a loss")
                if (loss[i - 1] >= 0.1 && loss[i - 1] <= 3 && rtt[j - 1] >= 50) {
                    law = 1400 * 8 / rtt[j - 1] * sqrt(1.5) / sqrt(loss[i - 1] / 100)
                    if (law > 9660) law = 9660
                    if (now[i, j] < law * 2 / 3 || now[i, j] > law * 4 / 3)
                        wrong("where " int(law) " were to be expected")
                }
            }
        exit bad
    }' "$table" "$work/table" || fail "the goodput is not what it should be"
