#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# instructions.sh [--update]: counts the instructions of each case of instructions.c (valgrind --tool=callgrind)
# and compares them with the table in docs/performance.md: more than a tenth above it fails.  --update writes
# the table anew.
#
# CRC32c and HMAC are stand-ins, so that the counts do not depend on the CPU; glibc's memcpy and malloc are
# counted.  The table is of gcc 12, -O2: with another compiler the counts are printed, and nothing fails.
# ctest-timeout: 300
set -euo pipefail
: "${USCTP_BUILD:=$PWD/build/release}" "${USCTP_SOURCE:=$PWD}"
program=$USCTP_BUILD/tests/bench/instructions
table=$USCTP_SOURCE/docs/performance.md
[[ -x $program ]] || { echo "$program is not built"; exit 77; }
command -v valgrind >/dev/null || { echo "no valgrind here (package valgrind)"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# count CASE: instructions within measured(), all together
count() {
    timeout 120 valgrind --tool=callgrind --callgrind-out-file="$work/out" --collect-atstart=no \
        --toggle-collect=measured "$program" "$1" >"$work/log" 2>&1 ||
        { cat "$work/log" >&2; echo "valgrind failed" >&2; exit 1; }
    sed -n 's/^==.*Collected : \([0-9]*\).*/\1/p' "$work/log"
}

strict=''
compiler=$("${CC:-cc}" -dumpversion 2>/dev/null || echo '?')
"${CC:-cc}" --version 2>/dev/null | grep -qi 'gcc\|^cc (Debian' && [[ $compiler == 12* ]] && strict=1
failed=0 compared=0
while read -r name times; do
    now=$(($(count "$name") / times))
    before=$(sed -n "s/^| \`$name\` | *\([0-9,]*\) |.*/\1/p" "$table" | tr -d ,)
    if [[ ${1:-} == --update ]]; then
        shown=$(LC_ALL=C sed ':a;s/\B[0-9]\{3\}\>/,&/;ta' <<<"$now")
        sed -i "s/^\(| \`$name\` | *\)[0-9,]* |/\1$shown |/" "$table"
        before=$now
    fi
    printf '%-22s %8s now, %8s in the table\n' "$name" "$now" "${before:-nothing}"
    if [[ -z $before ]]; then
        echo "docs/performance.md has no line for $name"
        failed=1
        continue
    fi
    compared=$((compared + 1))
    if ((now * 10 > before * 11)); then
        echo "$name takes more than a tenth above its line in docs/performance.md"
        failed=1
    fi
done < <("$program")
((compared > 0)) || { echo "nothing was compared"; exit 1; }
[[ $failed == 0 || $strict ]] || { echo "not gcc 12 but $compiler: the table is not for it"; exit 77; }
exit $failed
