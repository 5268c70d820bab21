#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# tools/demo.sh: its errors are one line each, and the demo itself, with the programs of this build, ends
# well, says what it has to say, and leaves a capture that tshark finds nothing wrong with.
# ctest-waits: mostly
# shellcheck disable=SC2034 # read by lib.sh
TEST_LIMIT_S=200
. "$(dirname "$0")/lib.sh"

demo=$REAL_DIR/../../tools/demo.sh

expect() { # expect STATUS PATTERN ARGUMENT...
  local wanted=$1 pattern=$2 status=0
  shift 2
  bash "$demo" "$@" >"$WORK/out" 2>"$WORK/err" </dev/null || status=$?
  [ $status = "$wanted" ] || fail "demo.sh $*: exit status $status"
  { [ "$(wc -l <"$WORK/err")" = 1 ] && grep -q -e "$pattern" "$WORK/err"; } || fail "demo.sh $*: $(cat "$WORK/err")"
}
bash "$demo" --help | grep -q '^tools/demo.sh' || fail "demo.sh --help says nothing"
expect 1 'unknown option --nonsense' --nonsense
expect 1 'wants a directory' --build
expect 1 'is not built' --build "$WORK"

need_root; need_tool ip nft ethtool tshark
need_namespaces() { ip netns add "$NET_A" 2>/dev/null && ip netns exec "$NET_A" true; }
need_namespaces || skip "no network namespaces here"
ip netns del "$NET_A"
timeout 150 bash "$demo" --build "$USCTP_BUILD" >"$WORK/demo.out" 2>"$WORK/demo.err" </dev/null ||
  fail "demo.sh: exit status $?: $(tail -n 5 "$WORK/demo.err"; tail -n 30 "$WORK/demo.out")"
for line in 'RTO.Min' 'goes dark' 'potentially failed' 'new data goes here now' '-> inactive' 'is repaired' '-> active' \
  'TSNs were first sent on the primary and arrived over the alternate' 'SHA-256' 'shut down gracefully' 'tshark -r'; do
  grep -q -e "$line" "$WORK/demo.out" || fail "demo.sh does not say \"$line\": $(cat "$WORK/demo.out")"
done
# Every sum that it prints is the same one
[ "$(sed -n 's/^  \(sent\|received\)  *\([0-9a-f]\{64\}\)$/\2/p' "$WORK/demo.out" | sort | uniq -c | awk '{ print $1 }')" = 2 ] ||
  fail "demo.sh prints no two equal sums"
must_be_clean "$USCTP_BUILD/demo/sender.pcap"
say "$(grep -c . "$WORK/demo.out") lines; it ends well"
