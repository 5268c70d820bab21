#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# usctp-perf: each kind of run, one second, over raw IPv4, UDP and two paths; its JSON has every key and no
# impossible figure; a stranger is turned away and the next client served.
# shellcheck disable=SC2034 # read by lib.sh
TEST_LIMIT_S=120
. "$(dirname "$0")/lib.sh"

perf=$(built tools/usctp-perf)
cat=$(built tools/usctp-cat)
need_tool python3
net_make 4 6
both=$(joined "${B_ADDR[@]}")

serve() { # serve OPTION...
  spawn server in_net "$NET_B" "$perf" -s "$@" </dev/null >"$WORK/server.out"
  wait_until 10 server_listens || fail "usctp-perf -s does not start"
}
server_listens() { grep -q '^listening on SCTP port' "$WORK/server.out"; }
client() { # client OPTION...: its JSON to client.json
  in_net "$NET_A" timeout 20 "$perf" -t 1 --json "$@" </dev/null >"$WORK/client.json" 2>"$WORK/client.err" ||
    fail "usctp-perf $*: exit status $?"
}
# holds EXPRESSION: in Python, about the result r
holds() {
  python3 -c 'import json, sys
r = json.load(open(sys.argv[1]))
keys = ("goodput_MBps messages_per_s rtt_us associations_per_s cpu_s_per_GB cpu_s_per_GB_client "
        "cpu_s_per_GB_server retransmitted_chunks paths").split()
missing = [k for k in keys if k not in r]
if missing: sys.exit(f"no {missing} in {r}")
if not eval(sys.argv[2]): sys.exit(f"not so: {sys.argv[2]}: {r}")' "$WORK/client.json" "$1" || fail "see above"
}
bulk='r["goodput_MBps"] > 0 and r["cpu_s_per_GB"] >= r["cpu_s_per_GB_server"] > 0 and r["rtt_us"] is None'

serve --one
client -c "${B_ADDR[0]}" -l 8192
must_finish server 10
holds "$bulk and r['bytes'] == 8192 * r['messages'] and len(r['paths']) == 1"
grep -q '^received .* MB/s' "$WORK/server.out" || fail "the server says nothing of its client"

serve
client -c "$both" --streams 7 -l 20000
holds "$bulk and r['bytes'] == 20000 * r['messages']"
holds "[p['state'] for p in r['paths']] == ['active'] * 2 and r['paths'][0]['mtu_bytes'] == 1500"
client -c "${B_ADDR[0]}" --batch 50 --streams 3 -l 100
holds "$bulk and r['bytes'] == 100 * r['messages']"
client -c "${B_ADDR[1]}" --ping -l 100
holds 'r["messages_per_s"] > 0 and 0 < r["rtt_us"]["p50"] <= r["rtt_us"]["p99"] and r["goodput_MBps"] is None'
client -c "${B_ADDR[0]}" --connect
holds 'r["associations_per_s"] > 1 and r["rtt_us"] is None'
# Idle ones, and what they cost either end
in_net "$NET_A" timeout 30 "$perf" -c "${B_ADDR[0]}" --idle 100 -t 1 --json </dev/null >"$WORK/idle.json" 2>"$WORK/client.err" ||
  fail "usctp-perf --idle: exit status $?"
python3 -c 'import json, sys
r = json.load(open(sys.argv[1]))
assert r["mode"] == "idle" and r["associations"] == 100 and r["associations_per_s"] > 1, r
for side in (r["client"], r["server"]):
    assert 0 < side["bytes_per_association"] < 100000 and len(side["setup_quarters_s"]) == 4, r
    assert 0 <= side["idle_cpu_percent"] <= 200, r' "$WORK/idle.json" || fail "see above"
# Whoever is no usctp-perf is turned away
status=0
echo hello | in_net "$NET_A" timeout 20 "$cat" "${B_ADDR[0]}" 5201 >/dev/null 2>"$WORK/stranger.err" || status=$?
[ $status = 1 ] || fail "a stranger's exit status is $status"
client -c "${B_ADDR[0]}" -l 100 --thread
holds "$bulk"
kill -TERM "${PID[server]}"
status=0
finish server 10 || status=$?
[ $status = 143 ] || fail "after SIGTERM the server's exit status is $status"
has_line server 'no usctp-perf was turned away' || fail "the server does not speak of the stranger"

serve --udp -p 6000 --batch 64
client -c "${B_ADDR[0]}" --udp -p 6000
holds "$bulk"
client -c "${B_ADDR[0]}" --udp -p 6000 -l 100 --batch 64
holds "$bulk and r['bytes'] == 100 * r['messages']"
kill -TERM "${PID[server]}"
finish server 10 || true

# Without --json: lines for people
serve --one
in_net "$NET_A" timeout 20 "$perf" -t 2 -c "${B_ADDR[0]}" </dev/null >"$WORK/client.out" || fail "exit status $?"
must_finish server 10
[ "$(grep -c '^  *[0-9.]*-[0-9.]*  *s  *[0-9.]* MB ' "$WORK/client.out")" -ge 1 ] || fail "no line a second: $(cat "$WORK/client.out")"
grep -q '^CPU seconds per GB' "$WORK/client.out" || fail "no CPU time: $(cat "$WORK/client.out")"
say "goodput, round trips, set-ups; raw, two paths, UDP; JSON as it should be"
