#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# What run-probe.c and run-process.c expect of usctp-run (test_run.sh) is what Linux does: the same
# binaries pass in a guest with the kernel's SCTP.  It keeps the expectations honest.
# ctest-waits: mostly
# shellcheck disable=SC2034 # read by lib.sh
TEST_LIMIT_S=150
. "$(dirname "$0")/lib.sh"

need_peer run-probe
probe=$(built tests/real/run-probe)
process=$(built tests/real/run-process)
stock=$(ldconfig -p | sed -n 's/.*libsctp.so.1 .*=> //p' | head -n 1)
net_make_kernel 4
for program in "$probe $stock" "$process"; do
  guest "timeout 60 $program" >"$WORK/probe.out" 2>&1 ||
    fail "$program over the kernel's SCTP: $(cat "$WORK/probe.out")"
  grep -q '^0 failures' "$WORK/probe.out" || fail "$(cat "$WORK/probe.out")"
  say "$program over the kernel's SCTP: $(grep -c ' ok$' "$WORK/probe.out") groups of checks"
done
