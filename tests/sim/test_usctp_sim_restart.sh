#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Hosts that lose their state and come back.  A client that restarts finds the server's association
# again: one INIT with tag 0, no ABORT, no second association at the server, whose user is told of the
# restart (RFC 9260 5.2.2, 5.2.4 A; RFC 6458 6.1.1).  A server that restarts answers what is out of the
# blue with an ABORT (8.4), and the client sets up another association.  Either way everything arrives,
# and what is wrong with a message of before or after a restart is found by usctp-sim itself.
# ctest-timeout: 400
set -euo pipefail
. "$(dirname "$0")/usctp_sim_lib.sh"

both=(--traffic "total 5MB, streams 3" --traffic "from b, total 3MB, unordered 20%")
figures=associations.opened,associations.reopened,associations.shut_down,associations.failed
figures+=,a.host_restarts,b.host_restarts,a.restarts,b.restarts
figures+=,a.restart_notifications,b.restart_notifications

# expect VALUES OPTION...: the figures are these, and all bytes have arrived
expect() {
    local wanted=$1 seen a b
    shift
    play "$figures" "${both[@]}" "$@"
    [[ $values == "$wanted" ]] || fail "$*: not $wanted but $values"
    play a.bytes_delivered,b.bytes_delivered,a.messages_lost,a.messages_sent,a.messages_delivered "${both[@]}" "$@"
    read -r a b lost sent delivered <<<"$values"
    # A message that arrives although its sender has crashed may be replaced and come once more, as another.
    between "bytes of a with $*" "$a" 5000000 10000000
    between "bytes of b with $*" "$b" 3000000 6000000
    [[ $sent == $((delivered + lost)) ]] || fail "$*: of $sent messages $delivered arrived and $lost were lost"
}
# count PATTERN FILE [FROM-US]: lines of a trace, from a time on
count() {
    awk -v pattern="$1" -v from="${3:-0}" '{ split($0, part, /[:,]/) } part[2] >= from && $0 ~ pattern { n++ }
        END { print n + 0 }' "$2"
}

# ---- nobody restarts ----

expect "1 0 1 0 0 0 0 0 0 0" --seed 1

# ---- a client ----

for gone in "2s" "2s 2.001s" "2s 3s" "2s 10min"; do
    # After ten minutes b has given its association up (8.1), and a finds none.
    told=1
    [[ $gone != *10min ]] || told=0
    expect "1 1 1 0 1 0 0 $told 0 $told" --set "a:restart=$gone"
done
play a.gap_us,a.packets_missed,b.packets_missed "${both[@]}" --path "delay 20ms" --set "a:restart=2s 4s"
read -r gap missed none <<<"$values"
# Two seconds, two round trips of a handshake whose COOKIE ECHO may have no DATA with it, and one way.
between "gap of a client that is away for 2 s" "$gap" 2000000 2300000
between "packets for a host that is not there" "$missed" 1 100000
between "packets for a host that is" "$none" 0 0

"$sim" -q "${both[@]}" --set "a:restart=2s 3s" --trace "$work/client" --pcap "$work/a.pcap" --pcap-b "$work/b.pcap"
[[ $(count '"host":"a".*packet-out.*"tag":0,.*"INIT"' "$work/client" 3000000) == 1 ]] ||
    fail "a client that is back does not send one INIT"
[[ $(count '"host":"b".*packet-out.*"INIT ACK"' "$work/client" 3000000) == 1 ]] || fail "not one INIT ACK for it"
[[ $(count 'ABORT' "$work/client") == 0 ]] || fail "an ABORT at the restart of a client"
[[ $(count '"host":"a".*packet' "$work/client" 2000000) == $(count '"host":"a".*packet' "$work/client" 3000000) ]] ||
    fail "a sends or hears something while it is not there"
associations=$(grep '"host":"b","kind":"state"' "$work/client" | grep -o '"assoc":[0-9]*' | sort -u | wc -l)
[[ $associations == 1 ]] || fail "$associations associations at b"
grep '"host":"b","kind":"state"' "$work/client" | grep -q '"old":"ESTABLISHED","new":"ESTABLISHED"' ||
    fail "b's association does not stay in ESTABLISHED"
# New tags on both sides: none of before is seen again.
tags() {
    awk -v low="$1" -v high="$2" '{ split($0, part, /[:,]/) } part[2] >= low && part[2] < high &&
        /packet-out/ && match($0, /"tag":[0-9]+/) { print substr($0, RSTART + 6, RLENGTH - 6) }' "$work/client" | sort -u
}
[[ $(tags 0 2000000 | grep -vcx 0) == 2 && $(tags 3100000 99000000 | grep -vcx 0) == 2 ]] || fail "not two tags at a time"
[[ -z $(comm -12 <(tags 0 2000000 | grep -vx 0) <(tags 3100000 99000000)) ]] || fail "a tag of before the restart"
if command -v tshark >/dev/null; then
    ports=$(timeout 60 tshark -r "$work/b.pcap" -Y 'sctp.chunk_type == 1' -T fields -e sctp.srcport -e sctp.dstport 2>/dev/null |
        sort | uniq -c | tr -s ' \t' ' ')
    [[ $ports == " 2 10000 5000" ]] || fail "INITs from and to ports: $ports"
fi

# ---- a server ----

for gone in "2s" "2s 2.001s" "2s 3s" "2s 10min"; do
    play "$figures" "${both[@]}" --set "b:restart=$gone"
    read -r opened reopened shut failed rest <<<"$values"
    [[ "$opened $shut $failed $rest" == "1 1 0 0 1 0 0 0 0" ]] || fail "b restarts at $gone: $values"
    # In ten minutes a gives up and tries again; in a second it waits for answers.
    [[ $gone == *10min ]] || [[ $reopened == 1 ]] || fail "b restarts at $gone: $reopened associations more"
done
"$sim" -q "${both[@]}" --set "b:restart=2s 3s" --trace "$work/server"
between "ABORTs of a server that knows nothing" "$(count '"host":"b".*packet-out.*ABORT' "$work/server")" 1 1000
[[ $(count '"host":"a".*packet-out.*ABORT' "$work/server") == 0 ]] || fail "a aborts"
[[ $(count '"host":"a".*packet-out.*"INIT"' "$work/server" 2000000) == 1 ]] || fail "the client does not send one INIT"
[[ $(count '"host":"b".*"new":"ESTABLISHED"' "$work/server" 2000000) == 1 ]] || fail "not one association at b afterwards"

# ---- both, several times, and what gets in the way ----

expect "1 1 1 0 1 1 0 0 0 0" --set "restart=2s 3s"
# b goes while the INIT of the client that is back is under way: nothing is left that could restart.
expect "1 1 1 0 1 1 0 0 0 0" --path "delay 20ms" --set a:restart=2s --set b:restart=2.01s
# While the COOKIE ECHO is: its key is gone with b (5.1.5), and a tries until it gives up (4, note 3).
expect "1 2 1 0 1 1 0 0 0 0" --path "delay 20ms" --set a:restart=2s --set b:restart=2.05s
play a.host_restarts,b.host_restarts,b.restart_notifications,associations.reopened,associations.shut_down \
    "$USCTP_SOURCE/tools/sim/scenarios/restart.sim"
[[ $values == "1 1 1 2 1" ]] || fail "restart.sim: $values"
bad="delay 15ms, loss 3%, duplicate 3%, reorder 3% 30ms, corrupt 1%"
crowd=(--scenario "associations 4, spread 4s" --traffic "total 200kB, size 100 9000, streams 5, unordered 20%"
    --traffic "from b, total 100kB, size 10 20000")
# seeds OPTION...: of many seeds each delivers
seeds() {
    timeout 100 "$sim" --runs 10 --path "$bad" "$@" >"$work/out" 2>"$work/err" || fail "$*: $(head -n 2 "$work/err")"
    [[ $(grep -c '^[0-9]* delivered ' "$work/out") == 10 ]] || fail "$*: $(head -n 1 "$work/out")"
}
for host in a: b: ""; do
    seeds --path "$bad" "${crowd[@]}" --set "${host}restart=3s 4s"
    seeds "${crowd[@]}" --set "${host}restart=3s" --set "${host}restart=3.1s 3.15s" --set "${host}restart=3.2s" --set read=50kB
    # In the handshake, in the transfer and in the shutdown of an association that is short.
    for ms in 0 5 20 35 50 65 80 110 140 200 300; do
        seeds --traffic "total 5kB" --traffic "from b, total 5kB" --set "${host}restart=${ms}ms"
    done
done

# ---- what the outputs say ----

for output in 1 2; do
    "$sim" "$USCTP_SOURCE/tools/sim/scenarios/restart.sim" --json --series "$work/$output.csv" \
        --trace "$work/$output.trace" --pcap "$work/$output.pcap" >"$work/$output.json"
done
for output in json csv trace pcap; do
    cmp "$work/1.$output" "$work/2.$output" || fail "another $output with one seed"
done
awk -F, 'NR == 1 { ok = $12 == "restarts" } NR > 1 && $12 != ($3 == "a" ? $1 >= 12 : $1 >= 31) { bad = $0 }
    NR > 1 && $3 == "a" && $1 > 10 && $1 < 12 { bad = $0 } NR > 1 && $11 > 4000000 { bad = $0 }
    END { if (!ok || bad != "") { print bad; exit 1 } }' "$work/1.csv" || fail "the series does not tell of restarts"
"$sim" "$USCTP_SOURCE/tools/sim/scenarios/restart.sim" >"$work/out"
grep -q '^restarts of the host  *1  *1$' "$work/out" || fail "the summary does not tell of restarts"
grep -q '^  told to the user  *0  *1$' "$work/out" || fail "the summary does not tell of notifications"

# One that does not come back is missed.
status=0
timeout 100 "$sim" --set "b:restart=1s 10min" --scenario "limit 60s" --traffic "total 5MB" >"$work/out" 2>&1 || status=$?
[[ $status == 1 ]] && grep -q 'not delivered' "$work/out" || fail "exit status $status of a run without a server"
