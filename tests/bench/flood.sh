#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# flood.sh [--runs N] [--seconds S]: what an INIT flood does to a listener, over a veth pair between two
# network namespaces, raw IPv4.
#
# 1. 1,000,000 INITs from sources that do not exist: the listener's resident memory before and after, and
#    how many associations it has then (RFC 9260 5.1.3: none).
# 2. The goodput of an association without a flood and beside 50,000 INITs a second, in turn: medians, and
#    their ratio, which is to be at least 0.5.
# Exit status 1 where memory has grown, an association is left or the ratio is below 0.5.
# USCTP_BUILD is the build directory.
TEST_LIMIT_S=600
. "$(dirname "$0")/../real/lib.sh"

RUNS=3 RUN_S=5 PORT=5201 INITS=1000000 RATE=50000
GROWTH_KB=256 # pages that a first answer touches, not those of INITs: a byte for each would be 977
while [ $# -gt 0 ]; do
  case $1 in
    --runs) RUNS=$2; shift ;;
    --seconds) RUN_S=$2; shift ;;
    *) sed -n '4,13s/^# \{0,1\}//p' "$0"; SKIPPED=1; exit 2 ;;
  esac
  shift
done

PERF=$(built tools/usctp-perf)
FLOOD=$(built tests/bench/flood-init)
NET_OFFLOAD=on
net_make 4
# Answers to the sources go to the other side, which forwards nothing
ip -n "$NET_B" route add 10.128.0.0/9 via "${A_ADDR[0]}"

rss_kb() { sed -n 's/^VmRSS:[ \t]*\([0-9]*\) kB/\1/p' "/proc/${PID[server]}/status"; }
serve() {
  spawn server in_net "$NET_B" "$PERF" -s -p $PORT --bind "${B_ADDR[0]}" --stats=json >"$WORK/server.out"
  wait_until 5 has_socket "$NET_B" raw4 || fail "the server opens no socket"
  sleep 0.3
}
end_server() {
  kill -TERM "${PID[server]}"
  finish server 10 || true
}
counter() { sed -n "s/.*\"stack\":{[^}]*\"$1\":\([0-9]*\).*/\1/p" "$WORK/server.err" | tail -n 1; }
flood() { in_net "$NET_A" "$FLOOD" -c "${B_ADDR[0]}" -p $PORT "$@"; }
# transfer: the goodput of one association, in MB/s as its receiver saw it
transfer() {
  timeout $((RUN_S + 60)) ip netns exec "$NET_A" "$PERF" -c "${B_ADDR[0]}" -p $PORT -t "$RUN_S" --json \
    >"$WORK/client.json" 2>"$WORK/client.err" || fail "the client ended with status $?: $(cat "$WORK/client.err")"
  sed -n 's/.*"goodput_MBps": *\([0-9.]*\).*/\1/p' "$WORK/client.json" | head -n 1
}
median() { sort -n "$1" | sed -n "$(($(wc -l <"$1") / 2 + 1))p"; }
BAD=0

echo "machine   $(nproc) CPUs, Linux $(uname -r), load $(cut -d ' ' -f 1 /proc/loadavg)"
serve
flood -n 20000 -r $RATE >/dev/null # the first answers touch the pages that answers need
sleep 0.5
before=$(rss_kb)
flood -n $INITS -r 150000 >"$WORK/flood.json"
sleep 1
after=$(rss_kb)
end_server
left=$(counter associations)
echo "sent      $(cat "$WORK/flood.json")"
echo "memory    $before kB before, $after kB after $INITS INITs; $(counter sctpInSCTPPacks) packets came in," \
  "$(counter init_acks) were answered, $(counter init_acks_limited) were above the rate"
echo "memory    the engine: $(counter memory_bytes) bytes at the end, $(counter memory_peak_bytes) at most"
echo "left      $left associations"
[ "$left" = 0 ] || { echo "associations are left"; BAD=1; }
[ $((after - before)) -le $GROWTH_KB ] || { echo "memory has grown"; BAD=1; }

serve
for ((i = 0; i < RUNS; i++)); do
  transfer >>"$WORK/quiet"
  # The association is there first: an INIT among so many has to try more than once
  transfer >>"$WORK/flooded" &
  transfer=$!
  sleep 0.2
  spawn flood in_net "$NET_A" "$FLOOD" -c "${B_ADDR[0]}" -p $PORT -r $RATE -t $((RUN_S + 1)) >>"$WORK/floods.json"
  wait $transfer || fail "the client ended with status $?"
  must_finish flood 60
done
end_server
quiet=$(median "$WORK/quiet") flooded=$(median "$WORK/flooded")
ratio=$(awk "BEGIN { printf \"%.2f\", $flooded / $quiet }")
echo "floods    $(sed -n 's/.*"packets_per_s": \([0-9]*\).*/\1/p' "$WORK/floods.json" | tr '\n' ' ')INITs a second"
echo "goodput   $quiet MB/s without, $flooded MB/s beside a flood: ratio $ratio ($(tr '\n' ' ' <"$WORK/quiet")/" \
  "$(tr '\n' ' ' <"$WORK/flooded"))"
awk "BEGIN { exit !($ratio >= 0.5) }" || { echo "the ratio is below 0.5"; BAD=1; }
SKIPPED=1 # nothing to keep
exit $BAD
