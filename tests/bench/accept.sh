#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# accept.sh [--realtime] [--runs N] [--count N] [UNDER-WAY...]: associations that live at the same time, 8,000 by
# default, each connected and taken by accept() with a socket of its own: usctp (accept.c) and usrsctp
# (usrsctp-accept.c) in turn over one veth pair between two network namespaces, raw IPv4.  UNDER-WAY is how many
# connects the client has open at a time, by default 1, 16, 100, 200 and 1,000: a line each.  --realtime: everything
# before the other processes of the machine.
#
# Prints medians of the associations a second that the server took, the ratio, the last quarter's time
# over the first's, and CPU seconds of client and server; at the end the ratio of the best of both.
# USCTP_BUILD is the build directory.
TEST_LIMIT_S=900
. "$(dirname "$0")/../real/lib.sh"

RUNS=3 COUNT=8000 FIRST=()
while [ $# -gt 0 ]; do
  case $1 in
    --realtime) FIRST=(chrt -r 1) ;;
    --runs) RUNS=$2; shift ;;
    --count) COUNT=$2; shift ;;
    [1-9]*) break ;;
    *) sed -n '4,13s/^# \{0,1\}//p' "$0"; SKIPPED=1; exit 2 ;;
  esac
  shift
done
[ $# -gt 0 ] || set -- 1 16 100 200 1000
USCTP=$(built tests/bench/accept)
USRSCTP=$USCTP_BUILD/tests/bench/usrsctp-accept
[ -x "$USRSCTP" ] || skip "usrsctp-accept is not built (libusrsctp-dev is missing)"
NET_OFFLOAD=on
net_make 4

# measure PROGRAM UNDER-WAY: one run; adds to $WORK/results a line "UNDER-WAY SERVER-JSON CLIENT-JSON"
measure() {
  : >"$WORK/server.json"; : >"$WORK/client.json"
  spawn server in_net "$NET_B" "${FIRST[@]}" "$1" -s "${B_ADDR[0]}" "$COUNT" >"$WORK/server.json"
  wait_until 5 has_socket "$NET_B" raw4 || fail "the server opens no socket"
  sleep 0.3
  spawn client in_net "$NET_A" "${FIRST[@]}" "$1" -c "${B_ADDR[0]}" "$COUNT" "$2" >"$WORK/client.json"
  wait_until 60 test -s "$WORK/server.json" || fail "$1 with $2 under way: not all were accepted"
  wait_until 10 test -s "$WORK/client.json" || fail "$1 with $2 under way: not all were connected"
  echo "$2 $(cat "$WORK/server.json") $(cat "$WORK/client.json")" >>"$WORK/results"
  kill -TERM "${PID[client]}" "${PID[server]}"
  finish client 5 || true
  finish server 5 || true
}

echo "machine   $(nproc) CPUs, Linux $(uname -r), load $(cut -d ' ' -f 1 /proc/loadavg)"
echo "figures   medians of $RUNS runs in turn; $COUNT associations, all alive at the end"
for under_way in "$@"; do
  for ((i = 0; i < RUNS; i++)); do
    measure "$USRSCTP" "$under_way"
    measure "$USCTP" "$under_way"
  done
done

python3 - "$WORK/results" <<'END_OF_TABLE'
import json
import statistics
import sys

runs = {}
for line in open(sys.argv[1]):
    under_way, text = line.split(None, 1)
    server, at = json.JSONDecoder().raw_decode(text)
    client = json.loads(text[at:])
    parts = server["parts_s"]
    quarter = len(parts) // 4
    runs.setdefault(int(under_way), {}).setdefault(server["program"], []).append(
        (server["associations_per_s"], sum(parts[-quarter:]) / sum(parts[:quarter]), server["cpu_s"] + client["cpu_s"]))


def medians(under_way, program):
    return [statistics.median(values) for values in zip(*runs[under_way][program])]


row = "{:>9}  {:>9} {:>9} {:>6}  {:>9} {:>9}  {:>8} {:>8}"
print(row.format("under", "usctp", "usrsctp", "ratio", "usctp", "usrsctp", "usctp", "usrsctp"))
print(row.format("way", "/s", "/s", "", "last/1st", "last/1st", "CPU-s", "CPU-s"))
best = {}
for under_way in runs:
    ours, theirs = medians(under_way, "usctp"), medians(under_way, "usrsctp")
    best["usctp"] = max(best.get("usctp", 0), ours[0])
    best["usrsctp"] = max(best.get("usrsctp", 0), theirs[0])
    print(row.format(under_way, f"{ours[0]:.0f}", f"{theirs[0]:.0f}", f"{ours[0] / theirs[0]:.2f}", f"{ours[1]:.2f}",
                     f"{theirs[1]:.2f}", f"{ours[2]:.3f}", f"{theirs[2]:.3f}"))
print(f"best of each: {best['usctp'] / best['usrsctp']:.2f} times usrsctp")
END_OF_TABLE
SKIPPED=1 # nothing to keep
