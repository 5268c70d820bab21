#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# compare.sh [--all] [--runs N] [--seconds S] [--json FILE]: usctp and usrsctp in one run, in turn, over a veth
# pair between two network namespaces, MTU 1500; with --all more message sizes, and UDP encapsulation.
#
# Prints a table of medians: goodput of both and their ratio, CPU seconds per GB (client and server together,
# taken from the outside for both), and what the machine can carry at all (blast).  Of usrsctp's two programming
# interfaces the one that wins a short trial is measured.  Trust the ratios, not the absolutes.
# USCTP_BUILD is the build directory.
TEST_LIMIT_S=3000
. "$(dirname "$0")/../real/lib.sh"

RUNS=5 RUN_S=3 ALL='' JSON=''
PORT=5201
while [ $# -gt 0 ]; do
  case $1 in
    --all) ALL=1 ;;
    --runs) RUNS=$2; shift ;;
    --seconds) RUN_S=$2; shift ;;
    --json) JSON=$2; shift ;;
    *) sed -n '4,10s/^# \{0,1\}//p' "$0"; SKIPPED=1; exit 2 ;;
  esac
  shift
done
JSON=${JSON:-$USCTP_BUILD/compare.json}
RESULTS=$WORK/results

cpu_of() { awk -v hz="$(getconf CLK_TCK)" '{ print ($14 + $15) / hz }' "/proc/$1/stat"; }

# measure PROGRAM LABEL TRANSPORT BYTES SECONDS SERVER-OPTIONS CLIENT-OPTIONS: one run; adds to $RESULTS a line
# "LABEL TRANSPORT BYTES CPU-SECONDS CLIENT-JSON SERVER-JSON" and sets SPEED to the client's goodput.
measure() {
  local program=$1 label=$2 transport=$3 bytes=$4 limit=$5 udp='' status=0 cpu client_cpu
  local TIMEFORMAT='%U %S'
  [ "$transport" != udp ] || udp=--udp
  # shellcheck disable=SC2086
  spawn server in_net "$NET_B" "$program" -s -p $PORT --json --bind "${B_ADDR[0]}" $udp $6 >"$WORK/server.json"
  wait_until 5 has_socket "$NET_B" "$transport" || fail "$label: the server opens no socket"
  sleep 0.3
  # shellcheck disable=SC2086
  { time timeout $((limit + 30)) ip netns exec "$NET_A" "$program" -c "${B_ADDR[0]}" -p $PORT -t "$limit" -l "$bytes" \
    --json $udp $7 >"$WORK/client.json" 2>"$WORK/client.err"; } 2>"$WORK/time" || status=$?
  sleep 0.3
  cpu=$(cpu_of "${PID[server]}")
  kill -TERM "${PID[server]}"
  finish server 5 || true
  [ $status = 0 ] || fail "$label: the client ended with status $status: $(cat "$WORK/client.err")"
  client_cpu=$(awk '{ print $1 + $2 }' "$WORK/time")
  echo "$label $transport $bytes $(awk "BEGIN { print $cpu + $client_cpu }") $(tr -d ' \n' <"$WORK/client.json")" \
    "$(tr -d ' \n' <"$WORK/server.json")" >>"$RESULTS"
  SPEED=$(sed -n 's/.*"goodput_MBps": *\([0-9.]*\).*/\1/p' "$WORK/client.json" | head -n 1)
}

# choose_api TRANSPORT BYTES: options of usrsctp-perf's server and client that win a trial of a second
choose_api() {
  local client server best=0
  for client in callback blocking; do
    for server in callback blocking; do
      measure "$USRSCTP" trial "$1" "$2" 1 "--api $server" "--api $client"
      if awk "BEGIN { exit !($SPEED > $best) }"; then best=$SPEED SERVER_API=$server CLIENT_API=$client; fi
    done
  done
}

# measure_ceiling TRANSPORT
measure_ceiling() {
  local udp='' nap
  [ "$1" != udp ] || udp=--udp
  for nap in 0 200; do
    # shellcheck disable=SC2086
    spawn blast in_net "$NET_B" "$BLAST" -s $udp --nap $nap -t 20 >"$WORK/server.json"
    sleep 0.3
    # shellcheck disable=SC2086
    in_net "$NET_A" "$BLAST" -c "${B_ADDR[0]}" $udp -t 2 >"$WORK/client.json"
    must_finish blast 25
    echo "blast $1 1452 0 $(tr -d ' \n' <"$WORK/client.json") $(tr -d ' \n' <"$WORK/server.json")" >>"$RESULTS"
  done
}

USCTP=$USCTP_BUILD/tools/usctp-perf
# What usrsctp-perf sets for itself, so that both have the same buffers
OUR_SETTINGS='--set send_buffer_bytes=262144 --set receive_buffer_bytes=262144 --set nodelay=1'
USRSCTP=$USCTP_BUILD/tests/bench/usrsctp-perf
[ -x "$USRSCTP" ] || skip "usrsctp-perf is not built (libusrsctp-dev is missing)"
BLAST=$(built tests/bench/blast)
[ -x "$USCTP" ] || { echo "usctp-perf not built: usrsctp and blast only"; USCTP=; }
NET_OFFLOAD=on
net_make 4

{
  echo "machine   $(nproc) CPUs, Linux $(uname -r), load $(cut -d ' ' -f 1 /proc/loadavg)"
  echo "path      veth, MTU 1500, between two network namespaces; IPv4"
  echo "usrsctp   $(dpkg-query -W -f '${Version}' libusrsctp2 2>/dev/null || echo '?'), 256 KiB buffers, no Nagle," \
    "SACK delay 200 ms, everything else its default"
  echo "usctp     ${USCTP:+$("$USCTP" --version 2>/dev/null | head -n 1), $OUR_SETTINGS, everything else its default}"
  echo "figures   medians of $RUNS runs of $RUN_S s in turn; goodput at the receiver, after a graceful shutdown"
} >"$WORK/settings"
cat "$WORK/settings"

cases='raw4:8192'
[ -z "$ALL" ] || cases='raw4:100 raw4:1024 raw4:8192 raw4:65536 udp:8192'
for transport in raw4 udp; do
  [[ $cases != *$transport:* ]] || measure_ceiling $transport
done
for case in $cases; do
  transport=${case%:*} bytes=${case#*:}
  choose_api "$transport" "$bytes"
  echo "api $transport $bytes $SERVER_API/$CLIENT_API" >>"$RESULTS"
  for ((i = 0; i < RUNS; i++)); do
    measure "$USRSCTP" usrsctp "$transport" "$bytes" "$RUN_S" "--api $SERVER_API" "--api $CLIENT_API"
    [ -z "$USCTP" ] || measure "$USCTP" usctp "$transport" "$bytes" "$RUN_S" "$OUR_SETTINGS" "$OUR_SETTINGS"
  done
done

python3 - "$RESULTS" "$WORK/settings" "$JSON" <<'END'
import json
import statistics
import sys

runs, ceilings, apis, order = {}, {}, {}, []


def objects(text):
    """The JSON objects in a text that has them one after the other."""
    found, decoder, at = [], json.JSONDecoder(), 0
    while at < len(text):
        if text[at] != "{":
            at += 1
            continue
        value, at = decoder.raw_decode(text, at)
        found.append(value)
    return found


for line in open(sys.argv[1]):
    label, transport, size, rest = line.split(None, 3)
    case = (transport, int(size))
    if label == "api":
        apis[case] = rest.strip()
        order.append(case)
        continue
    cpu_s, text = rest.split(None, 1)
    client, *server = objects(text)
    # The receiver's figure where it gives one: what has been delivered
    figures = server[0] if server and "goodput_MBps" in server[0] else client
    if label == "blast":
        ceilings[transport] = max(ceilings.get(transport, 0), figures["goodput_MBps"])
        continue
    seconds = figures.get("seconds") or client.get("seconds")
    gigabytes = client["messages_per_s"] * int(size) * seconds / 1e9 if seconds else None
    runs.setdefault((case, label), []).append({
        "goodput_MBps": figures["goodput_MBps"],
        "messages_per_s": figures.get("messages_per_s", client["messages_per_s"]),
        "cpu_s": float(cpu_s), "gigabytes": gigabytes,
        "cpu_s_per_GB": float(cpu_s) / gigabytes if gigabytes
        else client.get("cpu_s_per_GB", 0) + (server[0] if server else {}).get("cpu_s_per_GB", 0),
        "retransmitted_chunks": client.get("retransmitted_chunks")})


def median(case, label, key):
    values = [run[key] for run in runs.get((case, label), []) if run[key] is not None]
    return statistics.median(values) if values else None


def cell(value, form="{:.1f}"):
    return "-" if value is None else form.format(value)


table, row = [], "{:<6}{:>8}  {:>8}  {:>8}  {:>6}  {:>10}  {:>10}  {:>7}  {:>8}  {}"
print(row.format("", "message", "usctp", "usrsctp", "ratio", "usctp", "usrsctp", "ceiling", "usctp is", "usrsctp's"))
print(row.format("", "bytes", "MB/s", "MB/s", "", "CPU-s/GB", "CPU-s/GB", "MB/s", "of it", "API (server/client)"))
for case in order:
    ours, theirs = (median(case, label, "goodput_MBps") for label in ("usctp", "usrsctp"))
    ceiling = ceilings.get(case[0])
    ratio = ours / theirs if ours and theirs else None
    result = {"transport": case[0], "message_bytes": case[1], "usctp_MBps": ours, "usrsctp_MBps": theirs,
              "ratio": ratio, "usctp_cpu_s_per_GB": median(case, "usctp", "cpu_s_per_GB"),
              "usrsctp_cpu_s_per_GB": median(case, "usrsctp", "cpu_s_per_GB"), "ceiling_MBps": ceiling,
              "usrsctp_api": apis[case],
              "runs": {label: runs.get((case, label), []) for label in ("usctp", "usrsctp")}}
    table.append(result)
    print(row.format(case[0], case[1], cell(ours), cell(theirs), cell(ratio, "{:.2f}"),
                     cell(result["usctp_cpu_s_per_GB"], "{:.2f}"), cell(result["usrsctp_cpu_s_per_GB"], "{:.2f}"),
                     cell(ceiling), cell(100 * ours / ceiling if ours and ceiling else None, "{:.0f} %"), apis[case]))
with open(sys.argv[3], "w") as out:
    json.dump({"settings": open(sys.argv[2]).read().splitlines(), "results": table}, out, indent=1)
    out.write("\n")
print("written to", sys.argv[3])
END
