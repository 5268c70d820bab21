#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# tools/coverage.sh              builds with the preset coverage, runs every test but those over the
#                                host's network, and prints how many lines of src/assoc and src/chunk
#                                ran, file by file and in all; exit status 1 below 95 %
# tools/coverage.sh --missing    the lines that did not run too
# tools/coverage.sh --again      prints once more what the last run left
#
# Needs only gcc's own gcov and python3.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tools/lib/common.sh
. tools/lib/common.sh
# shellcheck source=tools/lib/packages.sh
. tools/lib/packages.sh

build=$PWD/build/coverage
least=95
runs=yes missing=no
for argument; do
    case $argument in
    --again) runs=no ;;
    --missing) missing=yes ;;
    -h | --help)
        sed -n '4,10s/^# \{0,1\}//p' "$0"
        exit 0
        ;;
    *) die "unknown argument $argument (--help tells)" ;;
    esac
done

run_tests() {
    local log
    install_packages "${PACKAGES_BUILD[@]}" "${PACKAGES_TEST[@]}"
    log=$(mktemp)
    say "building"
    if ! { cmake --preset coverage -Wno-dev && cmake --build --preset coverage -j "$(nproc)"; } \
        </dev/null >"$log" 2>&1; then
        tail -n 40 "$log" >&2
        rm -f "$log"
        die "the coverage build failed"
    fi
    rm -f "$log"
    find "$build" -name '*.gcda' -delete
    say "running the tests"
    ctest --test-dir "$build" -E '(^|/)real/' --no-tests=error --output-on-failure \
        --no-label-summary -j "$(nproc)" </dev/null >&2
}

[[ $runs == no ]] || run_tests

# One JSON document of gcov's for each object; a line ran when it ran in any of them.
find "$build" -name '*.gcda' | grep -E '/src/(assoc|chunk)/[^/]*$' | sort |
    xargs -r gcov --json-format --stdout 2>/dev/null |
    python3 tools/lib/coverage.py "$PWD" "$least" "$missing"
