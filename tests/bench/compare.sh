#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# compare.sh [--all | --quick | --case TRANSPORT:BYTES...] [--realtime] [--buffer KIB] [--runs N] [--seconds S]
#            [--json FILE]: usctp and usrsctp in one run, in turn, over a veth pair between two network namespaces, MTU
# 1500; --case raw4:8192, udp:100, ...: only goodput, with these messages; --quick: --case raw4:8192; --all: also 1 KB
# messages, and usctp with calls that do not wait (--poll); --realtime: everything before the other processes of a busy
# machine (SCHED_RR); --buffer: of each socket, to send and to receive (256).
#
# Prints tables of medians: goodput, CPU seconds per GB (client and server together, taken from the outside for
# both), round trips and set-ups a second, each with its ratio, and what the machine can carry at all: packets
# without a protocol (blast), the same with a receiver that naps, a bare echo, one TCP connection of iperf3.  Of
# usrsctp's two programming interfaces the one that wins a short trial is measured; round trips and set-ups are
# measured by the calls that block.  A row "xdp" is usctp with --transport xdp at both ends, beside what its row "raw4"
# is beside.  Small messages go one a call, and once more 16 a call (--batch), for which usrsctp has no call.  Trust the
# ratios, not the absolutes.
# USCTP_BUILD is the build directory.
TEST_LIMIT_S=3000
. "$(dirname "$0")/../real/lib.sh"

RUNS=5 RUN_S=3 ALL='' CASES='' JSON='' FIRST=() KIB=256
PORT=5201
while [ $# -gt 0 ]; do
  case $1 in
    --all) ALL=1 ;;
    --quick) CASES=raw4:8192 ;;
    --case) CASES+=" $2"; shift ;;
    --realtime) FIRST=(chrt -r 1) ;;
    --buffer) KIB=$2; shift ;;
    --runs) RUNS=$2; shift ;;
    --seconds) RUN_S=$2; shift ;;
    --json) JSON=$2; shift ;;
    *) sed -n '4,17s/^# \{0,1\}//p' "$0"; SKIPPED=1; exit 2 ;;
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
  spawn server in_net "$NET_B" "${FIRST[@]}" "$program" -s -p $PORT --json --bind "${B_ADDR[0]}" $udp $6 >"$WORK/server.json"
  wait_until 5 has_socket "$NET_B" "$transport" || fail "$label: the server opens no socket"
  sleep 0.3
  # shellcheck disable=SC2086
  { time timeout $((limit + 30)) ip netns exec "$NET_A" "${FIRST[@]}" "$program" -c "${B_ADDR[0]}" -p $PORT -t "$limit" -l "$bytes" \
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
      measure "$USRSCTP" trial "$1" "$2" 1 "--buffer $BUFFER --api $server" "--buffer $BUFFER --api $client"
      if awk "BEGIN { exit !($SPEED > $best) }"; then best=$SPEED SERVER_API=$server CLIENT_API=$client; fi
    done
  done
}

# measure_ceiling TRANSPORT: packets without a protocol, with a receiver that blocks and one that naps
measure_ceiling() {
  local udp='' nap
  [ "$1" != udp ] || udp=--udp
  for nap in 0 200; do
    # shellcheck disable=SC2086
    spawn blast in_net "$NET_B" "${FIRST[@]}" "$BLAST" -s $udp --nap $nap -t 20 >"$WORK/server.json"
    sleep 0.3
    # shellcheck disable=SC2086
    in_net "$NET_A" "${FIRST[@]}" "$BLAST" -c "${B_ADDR[0]}" $udp -t 2 >"$WORK/client.json"
    must_finish blast 25
    echo "blast$nap $1 1452 0 $(tr -d ' \n' <"$WORK/client.json") $(tr -d ' \n' <"$WORK/server.json")" >>"$RESULTS"
  done
}

measure_tcp() {
  command -v iperf3 >/dev/null || return 0
  spawn iperf in_net "$NET_B" "${FIRST[@]}" iperf3 -s -1 >"$WORK/server.json"
  sleep 0.3
  if in_net "$NET_A" timeout 20 "${FIRST[@]}" iperf3 -c "${B_ADDR[0]}" -t 2 -J >"$WORK/client.json"; then
    echo "tcp tcp 0 0 $(tr -d ' \n\t' <"$WORK/client.json")" >>"$RESULTS"
  fi
  finish iperf 10 || true
}

# rounds KIND TRANSPORT PIN LABEL SERVER-COMMAND -- CLIENT-COMMAND: round trips or set-ups; both ends on one core
# where PIN is "one"
rounds() {
  local kind=$1 transport=$2 pin=$3 label=$4 server=() on=("${FIRST[@]}")
  shift 4
  while [ "$1" != -- ]; do server+=("$1"); shift; done
  shift
  [ "$pin" != one ] || on+=(taskset 1)
  spawn server in_net "$NET_B" "${on[@]}" "${server[@]}" >"$WORK/server.json"
  sleep 0.4
  in_net "$NET_A" timeout 30 "${on[@]}" "$@" >"$WORK/client.json" 2>"$WORK/client.err" ||
    fail "$label, $kind: $(cat "$WORK/client.err")"
  kill -TERM "${PID[server]}" 2>/dev/null || true
  finish server 5 || true
  echo "$label $kind/$transport/$pin 1 0 $(tr -d ' \n' <"$WORK/client.json")" >>"$RESULTS"
}

measure_rounds() { # measure_rounds: every row of round trips and set-ups, once
  local transport pin udp to=${B_ADDR[0]}
  for transport in raw4 udp; do
    udp=()
    [ $transport != udp ] || udp=(--udp)
    for pin in two one; do
      rounds ping $transport $pin echo "$ECHO" -s -t 4 "${udp[@]}" -- "$ECHO" -c "$to" "${udp[@]}" -t "$RUN_S"
      rounds ping $transport $pin usrsctp "$ROUNDS" -s "${udp[@]}" -- "$ROUNDS" -c "$to" "${udp[@]}" -t "$RUN_S"
      rounds ping $transport $pin usctp "$USCTP" -s "${udp[@]}" -- \
        "$USCTP" -c "$to" "${udp[@]}" -t "$RUN_S" --ping -l 1 --json --set nodelay=1
      [ $transport = raw4 ] || continue
      rounds connect $transport $pin usrsctp "$ROUNDS" -s -- "$ROUNDS" -c "$to" -t "$RUN_S" --connect
      rounds connect $transport $pin usctp "$USCTP" -s -- "$USCTP" -c "$to" -t "$RUN_S" --connect --json
    done
    rounds ping $transport two polling "$USCTP" -s --busy-poll "${udp[@]}" -- \
      "$USCTP" -c "$to" "${udp[@]}" -t "$RUN_S" --ping -l 1 --json --busy-poll --set nodelay=1
  done
}

USCTP=$USCTP_BUILD/tools/usctp-perf
BUFFER=$((KIB * 1024))
OUR_SETTINGS="--set send_buffer_bytes=$BUFFER --set receive_buffer_bytes=$BUFFER --set nodelay=1"
USRSCTP=$USCTP_BUILD/tests/bench/usrsctp-perf
[ -x "$USRSCTP" ] || skip "usrsctp-perf is not built (libusrsctp-dev is missing)"
BLAST=$(built tests/bench/blast)
ECHO=$(built tests/bench/echo)
ROUNDS=$(built tests/bench/usrsctp-rounds)
[ -x "$USCTP" ] || fail "usctp-perf is not built"
NET_OFFLOAD=on
net_make 4

{
  echo "machine   $(nproc) CPUs, Linux $(uname -r), load $(cut -d ' ' -f 1 /proc/loadavg)"
  echo "path      veth, MTU 1500, between two network namespaces; IPv4"
  echo "usrsctp   $(dpkg-query -W -f '${Version}' libusrsctp2 2>/dev/null || echo '?'), $KIB KiB buffers, no Nagle," \
    "SACK delay 200 ms, everything else its default${FIRST:+; real-time priority}"
  echo "usctp     ${USCTP:+$("$USCTP" --version 2>/dev/null | head -n 1), $OUR_SETTINGS, everything else its default}"
  echo "figures   medians of $RUNS runs of $RUN_S s in turn; goodput at the receiver, after a graceful shutdown"
} >"$WORK/settings"
cat "$WORK/settings"

cases=${CASES:-raw4:100 raw4:8192 raw4:65536 udp:100 udp:8192 udp:65536}
[ -z "$ALL" ] || cases="raw4:1024 udp:1024 $cases"
for case in $cases; do
  choose_api "${case%:*}" "${case#*:}"
  echo "api ${case%:*} ${case#*:} $SERVER_API/$CLIENT_API" >>"$RESULTS"
done
for ((i = 0; i < RUNS; i++)); do
  for transport in raw4 udp; do
    [[ $cases != *$transport:* ]] || measure_ceiling $transport
  done
  measure_tcp
  [ -n "$CASES" ] || measure_rounds
  for case in $cases; do
    transport=${case%:*} bytes=${case#*:}
    api=$(awk -v t="$transport" -v b="$bytes" '$1 == "api" && $2 == t && $3 == b { print $4 }' "$RESULTS")
    measure "$USRSCTP" usrsctp "$transport" "$bytes" "$RUN_S" "--buffer $BUFFER --api ${api%/*}" \
      "--buffer $BUFFER --api ${api#*/}"
    measure "$USCTP" usctp "$transport" "$bytes" "$RUN_S" "$OUR_SETTINGS" "$OUR_SETTINGS"
    [ "$transport" != raw4 ] || measure "$USCTP" usctp-xdp "$transport" "$bytes" "$RUN_S" \
      "$OUR_SETTINGS --transport xdp" "$OUR_SETTINGS --transport xdp"
    [ "$bytes" -gt 1024 ] || measure "$USCTP" usctp-batch "$transport" "$bytes" "$RUN_S" \
      "$OUR_SETTINGS --batch 16" "$OUR_SETTINGS --batch 16"
    [ -z "$ALL" ] || measure "$USCTP" usctp-poll "$transport" "$bytes" "$RUN_S" "$OUR_SETTINGS --poll" "$OUR_SETTINGS --poll"
  done
done

python3 - "$RESULTS" "$WORK/settings" "$JSON" <<'END'
import json
import statistics
import sys

bulk, ceilings, rounds, apis, order = {}, {}, {}, {}, []


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


def add_bulk(label, case, cpu_s, client, server):
    # The receiver's figure where it gives one: what has been delivered
    figures = server if "goodput_MBps" in server else client
    seconds = figures.get("seconds") or client.get("seconds")
    gigabytes = client["messages_per_s"] * case[1] * seconds / 1e9
    bulk.setdefault((case, label), []).append({
        "goodput_MBps": figures["goodput_MBps"], "cpu_s_per_GB": float(cpu_s) / gigabytes,
        "retransmitted_chunks": client.get("retransmitted_chunks")})


def add_rounds(label, what, client):
    rtt = client.get("rtt_us") or {}
    rounds.setdefault((what, label), []).append({
        "per_s": client.get("associations_per_s") or client["messages_per_s"],
        "p99_us": client.get("p99_us", rtt.get("p99"))})


for line in open(sys.argv[1]):
    label, transport, size, rest = line.split(None, 3)
    case = (transport, int(size))
    if label == "trial":
        continue
    if label == "api":
        apis[case] = rest.strip()
        order.append(case)
        continue
    cpu_s, text = rest.split(None, 1)
    client, *server = objects(text)
    if label.startswith("blast"):
        ceilings.setdefault((transport, label), []).append(server[0]["goodput_MBps"])
    elif label == "tcp":
        ceilings.setdefault(("tcp", "tcp"), []).append(client["end"]["sum_received"]["bits_per_second"] / 8e6)
    elif "/" in transport:
        add_rounds(label, transport, client)
    else:
        add_bulk(label, case, cpu_s, client, server[0] if server else {})


def median(table, key, name=None):
    values = [run[name] if name else run for run in table.get(key, [])]
    values = [value for value in values if value is not None]
    return statistics.median(values) if values else None


def ratio(a, b):
    return a / b if a and b else None


def cell(value, form="{:.1f}"):
    return "-" if value is None else form.format(value)


def show(form, *cells):
    print(form.format(*cells).rstrip())


NOTES = {"usctp-batch": " (usctp: 16 messages a call)", "usctp-poll": " (usctp: --poll)"}
results = []
form = "{:<6}{:>7}  {:>8}{:>9}{:>7}  {:>8}{:>9}{:>7}  {:>7}{:>8}  {}"
tcp = median(ceilings, ("tcp", "tcp"))
show(form, "", "message", "usctp", "usrsctp", "ratio", "usctp", "usrsctp", "ratio", "of", "of", "usrsctp's API")
show(form, "", "bytes", "MB/s", "MB/s", "", "CPU-s/GB", "CPU-s/GB", "", "ceiling", "TCP", "(server/client)")
for case in order:
    for label in ("usctp", "usctp-batch", "usctp-xdp", "usctp-poll"):
        if (case, label) not in bulk:
            continue
        ours, theirs = (median(bulk, (case, who), "goodput_MBps") for who in (label, "usrsctp"))
        cpu, their_cpu = (median(bulk, (case, who), "cpu_s_per_GB") for who in (label, "usrsctp"))
        ceiling = median(ceilings, (case[0], "blast200"))
        results.append({"transport": case[0], "message_bytes": case[1], "label": label, "usctp_MBps": ours,
                        "usrsctp_MBps": theirs, "ratio": ratio(ours, theirs), "usctp_cpu_s_per_GB": cpu,
                        "usrsctp_cpu_s_per_GB": their_cpu, "cpu_ratio": ratio(cpu, their_cpu),
                        "ceiling_MBps": ceiling, "of_ceiling": ratio(ours, ceiling), "of_tcp": ratio(ours, tcp),
                        "usrsctp_api": apis[case], "runs": {who: bulk[case, who] for who in (label, "usrsctp")}})
        name = "xdp" if label == "usctp-xdp" else case[0]
        show(form, name, case[1], cell(ours), cell(theirs), cell(ratio(ours, theirs), "{:.2f}"), cell(cpu, "{:.2f}"),
             cell(their_cpu, "{:.2f}"), cell(ratio(cpu, their_cpu), "{:.2f}"), cell(ratio(ours, ceiling), "{:.0%}"),
             cell(ratio(ours, tcp), "{:.0%}"), apis[case] + NOTES.get(label, ""))
for (transport, label), values in sorted(ceilings.items()):
    what = {"blast0": "no protocol, the receiver blocks", "blast200": "no protocol, the receiver naps: the ceiling",
            "tcp": "one TCP connection of iperf3"}[label]
    print(f"{transport:<6}{statistics.median(values):>17.1f}  {what}")

form = "{:<8}{:<6}{:<6}{:>9}{:>11}{:>7}{:>9}{:>9}{:>9}{:>11}  {}"
if rounds:
    print()
    show(form, "", "", "cores", "usctp/s", "usrsctp/s", "ratio", "echo/s", "of echo", "p99 us", "usrsctp's", "")
for what, label in sorted(rounds):
    if label not in ("usctp", "polling"):
        continue
    ours, theirs, echo = (median(rounds, (what, who), "per_s") for who in (label, "usrsctp", "echo"))
    p99, their_p99 = (median(rounds, (what, who), "p99_us") for who in (label, "usrsctp"))
    kind, transport, pin = what.split("/")
    results.append({"kind": kind, "transport": transport, "cores": pin, "label": label, "usctp_per_s": ours,
                    "usrsctp_per_s": theirs, "ratio": ratio(ours, theirs), "echo_per_s": echo,
                    "of_echo": ratio(ours, echo), "usctp_p99_us": p99, "usrsctp_p99_us": their_p99})
    show(form, kind, transport, pin, cell(ours, "{:.0f}"), cell(theirs, "{:.0f}"), cell(ratio(ours, theirs), "{:.2f}"),
         cell(echo, "{:.0f}"), cell(ratio(ours, echo), "{:.0%}"), cell(p99), cell(their_p99),
         "busy polling" if label == "polling" else "")
with open(sys.argv[3], "w") as out:
    json.dump({"settings": open(sys.argv[2]).read().splitlines(), "results": results,
               "ceilings": {"/".join(key): statistics.median(values) for key, values in ceilings.items()}}, out, indent=1)
    out.write("\n")
print("written to", sys.argv[3])
END
