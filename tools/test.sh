#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# tools/test.sh           installs what is missing, builds, runs every test (two cores: < 15 minutes)
# tools/test.sh NAME      runs the tests of the release build whose name matches NAME (a regular
#                         expression of CTest: unit/rto, ^real, gate)
# tools/test.sh --deep    also ThreadSanitizer, valgrind, clang, clang-tidy and a little fuzzing
#
# All of it: the release build with every test and gate, and an ASan+UBSan build with all but the tests
# over the host's network and fewer seeds.  One CTest run covers the builds (asan/... are the tests of
# the second), and its closing lines are the last thing printed.  Exit status 0 only if all passed.
# As root the tests in network namespaces run too; a test that cannot run says why and is skipped.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tools/lib/common.sh
. tools/lib/common.sh
# shellcheck source=tools/lib/packages.sh
. tools/lib/packages.sh
# shellcheck source=tools/lib/netns.sh
. tools/lib/netns.sh

presets=(asan release)
packages=("${PACKAGES_BUILD[@]}" "${PACKAGES_NETWORK[@]}" "${PACKAGES_TEST[@]}")
selection=()
case ${1:-} in
-h | --help)
    sed -n '4,13s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
--deep)
    presets=(asan tsan valgrind clang fuzz release)
    packages+=("${PACKAGES_DEEP[@]}")
    ;;
-*) die "unknown option $1 (--help tells)" ;;
?*)
    presets=(release)
    selection=(-R "$1")
    ;;
esac
[[ $# -le 1 ]] || die "one NAME, or --deep (--help tells)"

own_root "$PWD/tools/test.sh" "$@"
export LC_ALL=C.UTF-8
install_packages "${packages[@]}"
install_optional "${PACKAGES_APPLICATIONS[@]}"
lacks=$(netns_lacks)
[[ -z $lacks ]] || say "$lacks: the tests over the host's network (real/) that need them are skipped"

jobs=$(nproc)
log=$(mktemp)
trap 'rm -f "$log"' EXIT
mkdir -p build/all
: >build/all/CTestTestfile.cmake
for preset in "${presets[@]}"; do
    say "building $preset"
    if ! { cmake --preset "$preset" -Wno-dev && cmake --build --preset "$preset" -j "$jobs"; } \
        </dev/null >"$log" 2>&1; then
        grep -E -A12 'FAILED|[Ee]rror|warning' "$log" >&2 || tail -n 40 "$log" >&2
        die "the $preset build failed"
    fi
    printf 'subdirs("%s")\n' "$PWD/build/$preset" >>build/all/CTestTestfile.cmake
done

# The kernel peer's packages are fetched before the clock of a test runs.
if [[ -z $lacks && -f tests/real/kernel-peer.sh ]]; then
    timeout 300 bash tests/real/kernel-peer.sh fetch >"$log" 2>&1 </dev/null ||
        say "the Linux kernel peer cannot be fetched: $(tail -n 1 "$log")"
fi

# As many tests at a time as there are cores, and beside them some of those that mostly wait.
waits=$((jobs + (jobs + 1) / 2))
resources=build/all/resources.json
cat >$resources <<END
{"version": {"major": 1, "minor": 0},
 "local": [{"cores": [{"id": "0", "slots": $jobs}], "waits": [{"id": "0", "slots": $waits}]}]}
END

say "running the tests"
# LANG and the caller's stdin do not reach the tests.
ctest --test-dir build/all --output-on-failure --no-tests=error --no-label-summary -j "$((jobs + waits))" \
    --resource-spec-file "$PWD/$resources" "${selection[@]}" </dev/null
