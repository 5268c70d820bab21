#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# planted.sh [NAME]: do simulations find bugs? Each planted/NN-name.patch plants one that real
# stacks have had into a copy of src/; sim_run with it must break a promise within 1,000 seeds. Prints
# a line each: the seed that found it, and what it said. A patch that no longer applies is an error:
# write it anew. NAME: only those whose names hold it.
#
# USCTP_SOURCE: the tree. USCTP_BUILD: where to work. CC: the compiler. USCTP_SIM_OBJECTS,
# USCTP_SIM_LIBRARIES: what sim_run is linked from; the patched objects take the place of the archive's.
#
# ctest-timeout: 1800
set -euo pipefail
export LC_ALL=C

seeds=1000
plants=$USCTP_SOURCE/tests/sim/planted
work=$USCTP_BUILD/tests/sim/planted
includes=(-I"$USCTP_SOURCE/include" -I"$work/src" -D_GNU_SOURCE)
read -ra objects <<<"$USCTP_SIM_OBJECTS"
read -ra libraries <<<"$USCTP_SIM_LIBRARIES"
failures=0 count=0

say_failed() {
    echo "$1: $2"
    failures=$((failures + 1))
}

# build PATCH: sim_run with it, as $work/sim_run
build() {
    local name file patched=()
    rm -rf "$work"
    mkdir -p "$work"
    cp -r "$USCTP_SOURCE/src" "$work/src"
    if ! patch -d "$work" -p1 -F1 --forward --no-backup-if-mismatch -s <"$1" >"$work/log" 2>&1; then
        return 1
    fi
    while read -r file; do
        name=$(basename "$file" .c).o
        "$CC" -O1 -g -std=gnu11 -w "${includes[@]}" -c "$work/src/$file" -o "$work/$name" 2>"$work/log"
        patched+=("$work/$name")
    done < <(cd "$USCTP_SOURCE/src" && find . -name '*.c' | while read -r file; do
        cmp -s "$file" "$work/src/$file" || echo "$file"
    done)
    [ ${#patched[@]} -gt 0 ]
    "$CC" -o "$work/sim_run" "${patched[@]}" "${objects[@]}" "${libraries[@]}" 2>"$work/log"
}

for patch in "$plants"/*.patch; do
    name=$(basename "$patch" .patch)
    [[ $# == 0 || $name == *"$1"* ]] || continue
    count=$((count + 1))
    if ! build "$patch"; then
        say_failed "$name" "does not apply or compile any more: $(head -c 300 "$work/log")"
        continue
    fi
    if (cd "$work" && timeout 300 ./sim_run --seed 1 --count "$seeds") >"$work/log" 2>&1; then
        say_failed "$name" "not found in $seeds seeds"
        continue
    fi
    seed=$(sed -n 's/^replay with: .*--seed \([0-9]*\).*/\1/p' "$work/log" | head -1)
    if [ -z "$seed" ]; then
        say_failed "$name" "sim_run says nothing about it: $(tail -n 3 "$work/log")"
        continue
    fi
    echo "$name: found by seed $seed: $(sed 's/^[^ ]*: //;q' "$work/log")"
done
rm -rf "$work"
echo "$count bugs planted, $((count - failures)) found"
[ "$count" -gt 0 ] && [ "$failures" -eq 0 ]
