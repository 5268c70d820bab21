#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# iperf3 --sctp, unchanged: one way, -R, --bidir, several associations, IPv4 and IPv6, each side the server
# once.  Its own report says how much was sent and received, by which protocol; the capture is clean.
# shellcheck disable=SC2034 # read by lib.sh
TEST_LIMIT_S=280
. "$(dirname "$0")/app.sh"

MIB=$((1024 * 1024))
app_need iperf3 iperf3
app_net 4 6

# report NAME EXPRESSION: of its JSON report, where e is the end of it and t what was asked for
report() {
  python3 -c 'import json, sys
report = json.load(open(sys.argv[1]))
if "error" in report:
    sys.exit("iperf3 says: " + report["error"])
e, t = report["end"], report["start"]["test_start"]
print(eval(sys.argv[2]))' "$APP_DIR/$1.out" "$2"
}
# reports NAME CONDITION
reports() {
  local value
  value=$(report "$1" "$2") || app_fail "$1 has no good report"
  [ "$value" = True ] || app_fail "$1: not $2"
}

# iperf SERVER-SIDE PATH MIB OPTION...: at least MIB in each direction that is asked for.  The end of the test is
# said over TCP: what is on its way then, up to the buffers of both sides, is not counted as received.
iperf() {
  local server=$1 path=$2 bytes=$(($3 * MIB)) client what option
  client=$(other "$1")
  what="iperf3 ${*:4}, $(addr "$client" "$path") ($(stack_of "$client")) to $(addr "$server" "$path") ($(stack_of "$server"))"
  app_start server "$server" none iperf3 -s -1 -J -B "$(addr "$server" "$path")"
  wait_until 10 on "$server" grep -q ':1451 [0-9A-F]*:0000 0A' /proc/net/tcp /proc/net/tcp6 || app_fail "the server does not listen"
  app_start client "$client" none iperf3 --sctp -J -c "$(addr "$server" "$path")" -n "$bytes" "${@:4}"
  must_end client 60; must_end server 20
  reports client 't["protocol"] == "SCTP"'
  case " ${*:4} " in
    *' --bidir '*) # the side that is done first ends the test for both
      reports client "max(e['sum_sent']['bytes'], e['sum_sent_bidir_reverse']['bytes']) >= $bytes"
      reports client "min(e['sum_received']['bytes'], e['sum_received_bidir_reverse']['bytes']) >= $bytes / 16"
      reports server "min(e['sum_received']['bytes'], e['sum_sent_bidir_reverse']['bytes']) >= $bytes / 16" ;;
    *' -R '*)
      reports server "e['sum_sent']['bytes'] >= $bytes"
      reports client "e['sum_received']['bytes'] >= $bytes / 2" ;;
    *)
      reports client "e['sum_sent']['bytes'] >= $bytes"
      reports server "e['sum_received']['bytes'] >= $bytes / 2" ;;
  esac
  say "$what: $(report client '"%.0f Mbit/s" % (e["sum_received"]["bits_per_second"] / 1e6)')"
}

app_capture_start checked
iperf b 0 8
iperf b 0 8 -R
iperf b 0 8 --bidir
app_capture_stop checked
for server in b a; do
  iperf $server 0 64
  iperf $server 0 64 -R
  iperf $server 0 64 --bidir
  iperf $server 1 32 --bidir
  iperf $server 1 16 -P 4 -l 1400
done
