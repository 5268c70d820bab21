#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# usctp-sim: one seed gives the same bytes of every output; what is wrong with a file is told with its
# name and line (exit status 2); a run that fails has status 1 and says how to see it again; the
# example scenarios play.
# ctest-timeout: 400
set -euo pipefail
. "$(dirname "$0")/usctp_sim_lib.sh"
scenarios=$USCTP_SOURCE/tools/sim/scenarios

# ---- same seed, same bytes ----

outputs() { # NAME OPTION...
    local name=$1
    shift
    timeout 60 "$sim" "$@" --json --pcap "$work/$name.a" --pcap-b "$work/$name.b" \
        --trace "$work/$name.trace" --series "$work/$name.csv" >"$work/$name.json" ||
        fail "usctp-sim $*: exit status $?"
}
for scenario in lossy failover; do
    outputs one "$scenarios/$scenario.sim" --seconds 12
    outputs two "$scenarios/$scenario.sim" --seconds 12
    outputs other "$scenarios/$scenario.sim" --seconds 12 --seed 2
    for output in a b trace csv json; do
        [[ -s $work/one.$output ]] || fail "$scenario: no $output"
        cmp "$work/one.$output" "$work/two.$output" || fail "$scenario: another $output with one seed"
        # Without losses at random a seed shows in tags and TSNs alone.
        [[ $scenario == failover && $output == csv ]] ||
            ! cmp -s "$work/one.$output" "$work/other.$output" || fail "$scenario: the same $output with another seed"
    done
done
"$sim" "$scenarios/lossy.sim" --seconds 5 >"$work/1"
"$sim" --seconds 5 - <"$scenarios/lossy.sim" >"$work/2"
cmp "$work/1" "$work/2" || fail "another summary from standard input"

# ---- what the outputs say fits together ----

sent=$(sed -n 's/^  "packets_out": \([0-9]*\),/\1/p' "$work/one.json" | head -n 1)
traced=$(grep -c '"host":"a","kind":"packet-out"' "$work/one.trace")
between "packets that the trace has" "$traced" "$sent" "$((sent + 5))"
# A capture has a header of 24 bytes, then 16 bytes and the packet for each; link type 101: raw IP.
[[ $(od -An -tx4 -j20 -N4 "$work/one.a" | tr -d ' ') == 00000065 ]] || fail "no capture of raw IP"
if command -v tshark >/dev/null; then
    captured=$(timeout 60 tshark -r "$work/one.a" -Y 'ip.src == 10.0.0.1 || ip.src == 10.0.1.1' 2>/dev/null | wc -l)
    [[ $captured == "$traced" ]] || fail "$captured packets of a captured, $traced traced"
fi
awk -F, 'NR > 1 && $3 == "a" { sum += $11 / 10 / 8 } END { printf "%d\n", sum }' "$work/one.csv" >"$work/sum"
delivered=$(sed -n 's/^  "bytes_delivered": \([0-9]*\),/\1/p' "$work/one.json" | head -n 1)
between "bytes of the series" "$(cat "$work/sum")" $((delivered * 98 / 100)) "$delivered"

# ---- what is wrong ----

# wrong STATUS PATTERN OPTION...: one line on stderr that says it
wrong() {
    local wanted=$1 pattern=$2 status=0
    shift 2
    timeout 60 "$sim" "$@" </dev/null >"$work/out" 2>"$work/err" || status=$?
    [[ $status == "$wanted" ]] || fail "$*: exit status $status, not $wanted: $(cat "$work/err")"
    grep -q -e "$pattern" "$work/err" || fail "$*: not \"$pattern\" but: $(cat "$work/err")"
    [[ $wanted != 2 || $(grep -vc "^Try '" "$work/err") == 1 ]] || fail "$*: not one line: $(cat "$work/err")"
}
# bad LINE PATTERN TEXT: a file in which that line is wrong
bad() {
    printf "$3" >"$work/bad.sim"
    wrong 2 "^usctp-sim: $work/bad.sim:$1: .*$2" "$work/bad.sim"
}
bad 1 '"speed" is no key here' 'speed 3\n'
bad 3 'loss wants a share' '# a comment\n[path]\nloss 200%%\n'
bad 2 '"colour" is no key of a path' '[path]\ncolour red\n'
bad 2 'rate wants' '[path]\nrate 10\n'
bad 2 'rate wants' '[path]\nrate 0Mbit\n'
bad 2 'delay wants a time' '[path]\ndelay 10\n'
bad 2 'delay wants a time' '[path]\ndelay a 10ms 20ms\n'
bad 2 'queue wants' '[path]\nqueue 0\n'
bad 2 'mtu wants a size' '[path]\nmtu 500\n'
bad 2 'burst wants two shares' '[path]\nburst 1%%\n'
bad 2 'reorder wants' '[path]\nreorder 1%%\n'
bad 3 'cut wants' '[path]\n\ncut 10s 5s\n'
bad 2 'no key of a path that can come after' '[path]\nat 5s address a 10.0.0.1\n'
bad 2 'at wants a time' '[path]\nat once loss 1%%\n'
bad 2 'address wants' '[path]\naddress c 10.0.0.1\n'
bad 2 'address wants' '[path]\naddress a 10.0.0.300\n'
bad 2 'icmp wants' '[path]\nicmp maybe\n'
bad 2 'from wants a or b' '[traffic]\nfrom c\n'
bad 2 'size wants bytes' '[traffic]\nsize 0\n'
bad 2 'size wants bytes' '[traffic]\nsize 300 100\n'
bad 2 'rate wants bulk' '[traffic]\nrate slow\n'
bad 2 'streams wants' '[traffic]\nstreams 0\n'
bad 2 'unordered wants' '[traffic]\nunordered 2\n'
bad 2 'total wants' '[traffic]\ntotal 0\n'
bad 2 'stop wants' '[traffic]\nstop 0\n'
bad 2 'no key of \[traffic\]' '[traffic]\nspeed 3\n'
bad 1 'a section is' '[link]\n'
bad 1 "a section's name ends" '[path\n'
bad 1 'there is no path 0' '[path 0]\n'
bad 2 'no tunable is called "rto"' '[hosts]\nrto 1\n'
bad 2 'max_burst wants a value' '[host a]\nmax_burst 5000\n'
for value in '' ' soon' ' 10' ' -1s' ' 5s 5s' ' 5s 3s' ' 1s 2s 3s' ' 5s later' ' 2000000min' ' b 5s'; do
    bad 2 'restart wants the time' "[host a]\nrestart$value\n"
done
bad 1 '"restart" is no key here' 'restart 5s\n'
bad 2 '"restart" is no key of a path' '[path]\nrestart 5s\n'
bad 2 'no key of a path that can come after' '[path]\nat 5s restart 6s\n'
bad 130 'more than 256 changes' "[host b]\n$(printf 'restart %ds\\n' {1..129})"
bad 1 'associations wants' 'associations 0\n'
bad 1 'duration wants a time' 'duration long\n'
bad 1 'seed wants' 'seed -1\n'
bad 1 'a byte that is no text' 'seed 1\000\n'
bad 1 'too many words' 'seed 1 2 3 4 5 6 7 8 9\n'
# What only the whole shows
printf '[traffic]\nstart 10s\nstop 5s\n' >"$work/bad.sim"
wrong 2 'stops before it starts' "$work/bad.sim"
wrong 2 'host a restarts while it is not there' --set "a:restart=5s 10s" --set restart=7s
wrong 2 '--set: restart wants the time' --set restart=soon
wrong 2 'rto_min_us <= rto_initial_us' --set rto_min_us=3s
wrong 2 'needs a delay' --path "rate unlimited, delay 0"
wrong 2 'same two addresses' --path "" --path "address a 10.0.0.1, address b 10.0.0.2"
wrong 2 'larger than send_buffer_bytes' --traffic "size 2MB"
wrong 2 'cannot read /nowhere/x.sim' /nowhere/x.sim
wrong 2 'one scenario is wanted' "$scenarios/lossy.sim" "$scenarios/failover.sim"
wrong 2 '--path: loss wants' --path "loss 7"
wrong 2 'there is no path 3' --path "3: loss 7%"
wrong 2 'NAME=VALUE' --set rto_min_us
wrong 2 'unrecognized option' --nonsense
wrong 2 '--runs goes without' --runs 2 --pcap "$work/x"
wrong 2 'no value of that name' --seconds 1 --print a.nothing
wrong 1 'cannot write' --seconds 1 --pcap /nowhere/x
wrong 1 'cannot write' --seconds 1 --series /nowhere/x
wrong 1 'cannot write' --seconds 1 --trace /nowhere/x

# ---- a run that fails, and its replay ----

wrong 1 'not delivered: association 0, from host a: .* messages delivered; it ended: the peer stopped answering' \
    --runs 2 --seed 7 --path "cut 5s" --seconds 10 --print result,a.messages_delivered
[[ $(cat "$work/out") == $'not delivered '*$'\nnot delivered '* ]] || fail "two runs print: $(cat "$work/out")"
grep -q '2 of 2 runs failed' "$work/err" || fail "no count of failures"
replay=$(sed -n 's/^usctp-sim: replay with: //p' "$work/err" | tail -n 1)
[[ $replay == *" --seed 8" && $replay != *--runs* ]] || fail "replay with: $replay"
status=0
bash -c "$replay" >"$work/again" 2>/dev/null || status=$?
[[ $status == 1 && $(cat "$work/again") == "$(tail -n 1 "$work/out")" ]] ||
    fail "the replay is another: $(cat "$work/again")"
wrong 1 'it is in ESTABLISHED' --scenario "limit 5s" --traffic "total 100MB"
wrong 1 'the handshake timed out' --path "cut 0"

# ---- examples, seeds, help ----

for scenario in "$scenarios"/*.sim; do
    timeout 100 "$sim" "$scenario" >"$work/out" || fail "$scenario: exit status $?"
    grep -q '^result: delivered$' "$work/out" || fail "$scenario: $(tail -n 1 "$work/out")"
done
play a.failovers,a.returns,paths.0.a.cut "$scenarios/failover.sim"
read -r failovers returns lost <<<"$values"
[[ $failovers -ge 1 && $returns -ge 1 && $lost -ge 1 ]] || fail "no failover in failover.sim"
timeout 100 "$sim" --runs 20 "$scenarios/lossy.sim" --seconds 5 >"$work/out" || fail "a seed of lossy.sim fails"
[[ $(wc -l <"$work/out") == 20 && $(cut -d' ' -f1 "$work/out" | sort -nu | wc -l) == 20 ]] || fail "not 20 seeds"
"$sim" --help >"$work/out"
for word in read restart; do
    grep -q "^  .*$word [0-9b]" "$work/out" || fail "--help does not mention the key $word"
done
for word in seed runs seconds path traffic scenario set json print series trace pcap pcap-b quiet verbose; do
    grep -q -e "--$word" "$work/out" || fail "--help does not mention --$word"
done
"$sim" --set help | grep -q '^rto_min_us=1000000 ' || fail "--set help lists no rto_min_us"
[[ $("$sim" --version) == "usctp-sim (usctp) "* ]] || fail "--version: $("$sim" --version)"
