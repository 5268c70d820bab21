#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# bad_use.sh [HEADER TEST]: fails if a function of usctp.h is missing from the tables of
# tests/api/test_bad_use.c: one on a socket from CALLS, which tries each on descriptors that are no
# sockets; one with a pointer or a length from WRONG_CALLS; and any other from the whole file.
# Without arguments it first proves on a planted header that it can fail.
set -euo pipefail
export LC_ALL=C

# macro FILE NAME: the body of the multi-line macro NAME
macro() { awk -v name="#define $2(X)" 'index($0, name) == 1 { on = 1 } on { print } on && !/\\$/ { exit }' "$1"; }

# functions HEADER: one line each, "name(parameters)"
functions() {
    sed -e 's,//.*,,' "$1" | tr '\n' ' ' | sed -e 's,/\*\([^*]\|\*[^/]\)*\*/, ,g' -e 's/;/;\n/g' |
        grep -o 'USCTP_API .*' | grep -o 'usctp_[a-z0-9_]*(.*)' | tr -s ' '
}

# check HEADER TEST: prints what is missing
check() {
    local calls wrong line name parameters
    calls=$(macro "$2" CALLS)
    wrong=$(macro "$2" WRONG_CALLS)
    while read -r line; do
        name=${line%%(*}
        parameters=${line#*(}
        if [[ $parameters == "int sd"* ]]; then
            # close() is tried by hand: each try ends a socket.
            [[ $name == usctp_close ]] || grep -q "[^a-z_]$name(sd[,)]" <<<"$calls" ||
                echo "$name is not in CALLS"
            if [[ $parameters =~ \*|socklen_t|size_t|count ]] && ! grep -q "[^a-z_]$name(sd[,)]" <<<"$wrong"; then
                echo "$name is not in WRONG_CALLS"
            fi
        fi
        grep -q "[^a-z_]$name(" "$2" || echo "$name is nowhere in $2"
    done < <(functions "$1")
}

if (($# == 0)); then
    root=$(cd "$(dirname "$0")/../.." && pwd)
    planted=$(mktemp)
    trap 'rm -f "$planted"' EXIT
    {
        cat "$root/include/usctp/usctp.h"
        printf 'USCTP_API int usctp_planted(int sd,\n    const void *p); /* new */\nUSCTP_API void usctp_other(void);\n'
    } >"$planted"
    found=$(check "$planted" "$root/tests/api/test_bad_use.c" | grep -c 'usctp_planted\|usctp_other' || true)
    [[ $found == 4 ]] || { echo "bad_use.sh does not see a new function: $found"; exit 1; }
    count=$(functions "$root/include/usctp/usctp.h" | wc -l)
    declared=$(grep -c '^USCTP_API ' "$root/include/usctp/usctp.h")
    [[ $count == "$declared" ]] || { echo "bad_use.sh reads $count of $declared functions"; exit 1; }
    set -- "$root/include/usctp/usctp.h" "$root/tests/api/test_bad_use.c"
fi
missing=$(check "$1" "$2")
[[ -z $missing ]] || { echo "$missing"; exit 1; }
