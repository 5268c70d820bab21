#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Ten thousand associations are set up, used and closed; an idle one has nothing to wake for, and is as small as
# it is promised to be, before it was used and after.
# ctest-timeout: 300
set -euo pipefail
. "$(dirname "$0")/usctp_sim_lib.sh"

count=10000
timeout 200 "$sim" --associations $count --set hb_enabled=0 --json >"$work/crowd.json" ||
    fail "usctp-sim --associations $count: exit status $?: $(cat "$work/crowd.json")"

# value PATH: of the figures, without its fraction
value() {
    python3 -c 'import functools, json, sys
print(int(functools.reduce(lambda v, k: v[k], sys.argv[2].split("."), json.load(open(sys.argv[1])))))' \
        "$work/crowd.json" "$1"
}

between "associations" "$(value associations)" $count $count
# The secret of the state cookies changes every hour, in each engine; the associations want nothing.
between "times woken in an idle hour" "$(value idle.timers)" 0 2
for moment in memory_new memory_idle memory_used; do
    between "bytes asked for, $moment" "$(value $moment.asked)" 500 1500
    between "bytes of the heap, $moment" "$(value $moment.heap)" 500 1600
done
