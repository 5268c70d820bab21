#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The program in README.md is what it seems: it compiles against the public headers without a warning,
# runs over raw SCTP, gets its echo, and shuts down gracefully.  Also without privilege: one clear line.
# shellcheck disable=SC2034 # read by lib.sh
TEST_LIMIT_S=60
. "$(dirname "$0")/lib.sh"

root=$REAL_DIR/../..
listener=$(built tools/usctp-cat)
need_root
awk '/^```c$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$root/README.md" >"$WORK/hello.c"
lines=$(wc -l <"$WORK/hello.c")
[[ $lines -ge 15 && $lines -le 30 ]] || fail "README.md's program has $lines lines"
"${CC:-cc}" -std=c11 -D_DEFAULT_SOURCE -Wall -Wextra -Werror -I"$root/include" "$WORK/hello.c" \
  -L"$USCTP_BUILD" -lusctp -Wl,-rpath,"$USCTP_BUILD" -o "$WORK/hello" || fail "README.md's program does not compile"

net_make 4
# An echo server: usctp-cat's output is its input
mkfifo "$WORK/echo.fifo"
exec 9<>"$WORK/echo.fifo"
spawn listener in_net "$NET_B" "$listener" -v -l "${B_ADDR[0]}" 7 <&9 >&9
wait_until 10 has_line listener listening || fail "the listener does not start"
status=0
in_net "$NET_A" timeout 20 "$WORK/hello" "${B_ADDR[0]}" >"$WORK/hello.out" 2>"$WORK/hello.err" </dev/null || status=$?
[ $status = 0 ] || fail "exit status $status: $(cat "$WORK/hello.err")"
[ "$(cat "$WORK/hello.out")" = hello ] || fail "no echo, but: $(cat "$WORK/hello.out")"
must_finish listener 10
has_line listener 'shutdown complete' || fail "no graceful shutdown"

# Without CAP_NET_RAW: the library's own sentence
need_tool setpriv
status=0
in_net "$NET_A" setpriv --inh-caps -net_raw --bounding-set -net_raw "$WORK/hello" "${B_ADDR[0]}" \
  >/dev/null 2>"$WORK/refused.err" </dev/null || status=$?
[ $status = 1 ] || fail "without CAP_NET_RAW: exit status $status"
grep -q CAP_NET_RAW "$WORK/refused.err" || fail "without CAP_NET_RAW: $(cat "$WORK/refused.err")"
say "README.md's program: compiles, echoes, ends gracefully"
