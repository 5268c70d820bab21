#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# tools/fuzz.sh SECONDS [TARGET...]        fuzzes each target (tests/fuzz/fuzz_TARGET.c; all without
#                                          a name) for so long, two at a time
# tools/fuzz.sh --minimise [TARGET...]     then makes the corpora in the tree anew, of the few inputs
#                                          that cover most of what the tree's and the fuzzers' cover
#
# Builds with the preset fuzz (clang, libFuzzer, ASan, UBSan). What the fuzzers find new is kept in
# build/fuzz/corpus/TARGET and used by the next run too; the corpora in the tree are read only.
# Prints a line for each target; where one finds something, the path of the input that shows it, and
# the exit status is 1. To see it again: REPLAY_VERBOSE=1 build/fuzz/tests/fuzz/fuzz_TARGET INPUT.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tools/lib/common.sh
. tools/lib/common.sh
# shellcheck source=tools/lib/packages.sh
. tools/lib/packages.sh

programs=$PWD/build/fuzz/tests/fuzz
scratch=$PWD/build/fuzz/corpus
found=$PWD/build/fuzz/found
tree=$PWD/tests/fuzz/corpus
at_once=2
most_inputs=36 # of a corpus in the tree

usage() { sed -n '4,13s/^# \{0,1\}//p' "$0"; }

# Sets targets: those named, or all.
choose_targets() {
    local file name
    targets=("$@")
    if [[ $# -eq 0 ]]; then
        for file in tests/fuzz/fuzz_*.c; do
            name=$(basename "$file" .c)
            targets+=("${name#fuzz_}")
        done
    fi
    for name in "${targets[@]}"; do
        [[ -f tests/fuzz/fuzz_$name.c ]] || die "there is no target $name (tests/fuzz/fuzz_$name.c)"
    done
}

build() {
    local log
    install_packages "${PACKAGES_BUILD[@]}" check clang libclang-rt-14-dev python3
    log=$(mktemp)
    say "building"
    if ! { cmake --preset fuzz -Wno-dev && cmake --build --preset fuzz -j "$(nproc)"; } \
        </dev/null >"$log" 2>&1; then
        tail -n 40 "$log" >&2
        rm -f "$log"
        die "the fuzz build failed"
    fi
    rm -f "$log"
}

# fuzz TARGET SECONDS: runs it; prints its line; fails when it found something
fuzz() {
    local target=$1 seconds=$2 log=$found/$1.log status=0 corpora runs coverage input
    mkdir -p "$scratch/$target" "$found/$target"
    corpora=("$scratch/$target")
    [[ -d $tree/$target ]] && corpora+=("$tree/$target")
    "$programs/fuzz_$target" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 \
        -max_len=4096 -len_control=10 -print_final_stats=1 -artifact_prefix="$found/$target/" \
        "${corpora[@]}" </dev/null >"$log" 2>&1 || status=$?
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    [[ -n $runs ]] || runs=$(sed -n 's/^#\([0-9]*\).*cov:.*/\1/p' "$log" | tail -n 1)
    coverage=$(sed -n 's/.* cov: \([0-9]*\).*/\1/p' "$log" | tail -n 1)
    input=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
    printf '%-14s %9s executions, %6s edges, ' "$target" "${runs:-0}" "${coverage:-?}"
    if [[ $status -eq 0 ]]; then
        echo "no finding"
        return 0
    fi
    echo "FINDING: ${input:-see $log}"
    grep -m 3 -E '\.[ch]:[0-9]+: |^SUMMARY' "$log" | sed 's/^/    /' || true
    return 1
}

fuzz_all() {
    local seconds=$1 target running=0 failed=0
    for target in "${targets[@]}"; do
        if [[ $running -ge $at_once ]]; then
            wait -n || failed=1
            running=$((running - 1))
        fi
        fuzz "$target" "$seconds" &
        running=$((running + 1))
    done
    while [[ $running -gt 0 ]]; do
        wait -n || failed=1
        running=$((running - 1))
    done
    return "$failed"
}

# Edges only, not how often: counters would keep ten times as many inputs. And not the last edge.
minimise() {
    local target=$1 new=$scratch/$1.new corpora=()
    local control=$found/$1.control
    [[ -d $tree/$target ]] && corpora+=("$tree/$target")
    [[ -d $scratch/$target ]] && corpora+=("$scratch/$target")
    [[ ${#corpora[@]} -gt 0 ]] || return 0
    rm -rf "$new" "$control"
    mkdir -p "$new"
    "$programs/fuzz_$target" -set_cover_merge=1 -use_counters=0 -timeout=20 \
        -merge_control_file="$control" "$new" "${corpora[@]}" </dev/null >"$found/$target.log" 2>&1 ||
        die "$target: the merge failed, see $found/$target.log"
    rm -rf "$new"
    mkdir -p "$new"
    printf '%-14s ' "$target"
    python3 tools/lib/corpus.py "$control" "$most_inputs" "$new"
    rm -rf "${tree:?}/$target" "$control"
    mv "$new" "$tree/$target"
}

case ${1:-} in
-h | --help)
    usage
    exit 0
    ;;
--minimise)
    shift
    choose_targets "$@"
    build
    mkdir -p "$found"
    for target in "${targets[@]}"; do minimise "$target"; done
    ;;
[1-9]*)
    [[ $1 =~ ^[0-9]+$ ]] || die "SECONDS is a number (--help tells)"
    seconds=$1
    shift
    choose_targets "$@"
    build
    mkdir -p "$found"
    fuzz_all "$seconds"
    ;;
*)
    usage >&2
    exit 1
    ;;
esac
