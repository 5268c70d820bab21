#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# usctp-cat, usctp-perf and usctp-run with --transport xdp: 64 MiB over IPv4 and over IPv6, both ways at once, and the
# kernel's IP sees next to none of the packets, leaving or arriving; the same with raw sockets that receive, for want of
# a capability, so that every checksum can be looked at where the packets arrive; over two paths, of which one is cut; a
# neighbour whose Ethernet address changes on the way; a router, and its narrow link; two processes on one interface;
# the line that says why raw sockets are used.
# shellcheck disable=SC2034 # read by lib.sh
TEST_LIMIT_S=230
. "$(dirname "$0")/cases.sh"

NET_R=usctp$$r
remove_router() { ip netns del "$NET_R" 2>/dev/null || true; }
trap 'status=$?; set +e; remove_router; (exit $status); cleanup' EXIT

# Set: programs run without the capability to load one of BPF's, and raw sockets receive.  What is taken past the
# kernel's IP is neither in a capture nor stopped where a path is cut.
BY_RAW=
eval "found_$(declare -f built)"
built() {
  local program
  program=$(found_built "$1")
  if [ -n "$BY_RAW" ]; then
    printf '#!/bin/sh\nexec setpriv --bounding-set -bpf,-sys_admin %s "$@"\n' "$program" >"$WORK/by-raw"
    chmod +x "$WORK/by-raw"
    program=$WORK/by-raw
  fi
  printf '%s\n' "$program"
}

cat_options() { # TRANSPORT TIMERS
  printf ' -v --transport xdp'
  [ "$2" != low ] || printf ' %s' --rto $RTO_MIN,$RTO_INITIAL,$RTO_MAX --sack-delay $SACK_DELAY --heartbeat $HEARTBEAT
}

# count_packets NETNS: counts SCTP packets that the kernel's IP sends and gets there, for sent_by_ip and got_by_ip
count_packets() {
  in_net "$1" nft -f - <<-'END'
	table inet counted {
	  counter left { }
	  counter come { }
	  chain in { type filter hook input priority 1; meta l4proto 132 counter name come; }
	  chain out { type filter hook output priority 1; meta l4proto 132 counter name left; }
	}
	END
}
sent_by_ip() { in_net "$1" nft list counter inet counted left | sed -n 's/.*packets \([0-9]*\) .*/\1/p'; }

got_by_ip() { in_net "$1" nft list counter inet counted come | sed -n 's/.*packets \([0-9]*\) .*/\1/p'; }

# must_pass_ip NETNS PACKETS: no more than so many have left through the kernel's IP since count_packets
must_pass_ip() {
  local sent
  sent=$(sent_by_ip "$1")
  [ "$sent" -le "$2" ] || fail "$sent packets have left $1 by the kernel's IP"
}

# must_come_past_ip NETNS PACKETS: no more than so many have arrived through it
must_come_past_ip() {
  local got
  got=$(got_by_ip "$1")
  [ "$got" -le "$2" ] || fail "$got packets have come to $1 by the kernel's IP"
}

# ip_is_clean FILE: every IPv4 header's checksum is good, and one made bad is found
ip_is_clean() {
  local wrong
  wrong=$(ip_wrong "$1")
  [ "$wrong" = 0 ] || fail "tshark finds $wrong bad IPv4 headers in $1"
  /usr/bin/python3 - "$1" "$WORK/bad.pcap" <<-'END'
	import sys
	from scapy.all import IP, PcapReader, wrpcap
	for frame in PcapReader(sys.argv[1]):
	    if IP in frame:
	        frame[IP].chksum ^= 1
	        wrpcap(sys.argv[2], [frame])
	        break
	END
  [ "$(ip_wrong "$WORK/bad.pcap")" = 1 ] || fail "tshark does not find a bad IPv4 header"
}
ip_wrong() {
  tshark -n -r "$1" -o ip.check_checksum:TRUE -Y 'ip and ip.proto == 132 and ip.checksum.status != 1' 2>/dev/null | wc -l
}

# both_ways PATH RECEIVERS: 64 MiB each way; RECEIVERS: xdp, or raw, whose packets are seen where they arrive
both_ways() {
  local binary path=$1 receivers=$2 start=$SECONDS before_a before_b got_a got_b
  [ "$receivers" = xdp ] || BY_RAW=yes
  binary=$(built tools/usctp-cat)
  before_a=$(sent_by_ip "$NET_A") before_b=$(sent_by_ip "$NET_B")
  got_a=$(got_by_ip "$NET_A") got_b=$(got_by_ip "$NET_B")
  if [ "$receivers" = raw ]; then
    capture_start arrived "$NET_B" "p$path"
  fi
  # shellcheck disable=SC2046
  spawn listener in_net "$NET_B" "$binary" $(cat_options raw4 default) --both -l "${B_ADDR[$path]}" $PORT \
    <"$WORK/listener.data" >"$WORK/listener.got"
  wait_until 10 has_line listener 'listening on port' || fail "the listener does not listen"
  # shellcheck disable=SC2046
  spawn client in_net "$NET_A" "$binary" $(cat_options raw4 default) --both "${B_ADDR[$path]}" $PORT \
    <"$WORK/client.data" >"$WORK/client.got"
  must_finish client 90
  must_finish listener 30
  same_file "$WORK/client.data" "$WORK/listener.got"
  same_file "$WORK/listener.data" "$WORK/client.got"
  # 46,000 packets and more have left on either side: a few while a neighbour was not sure
  must_pass_ip "$NET_A" $((before_a + 1000)); must_pass_ip "$NET_B" $((before_b + 1000))
  if [ "$receivers" = raw ]; then
    capture_stop arrived
    must_be_clean "$WORK/arrived.pcap"
    case ${B_ADDR[$path]} in *.*) ip_is_clean "$WORK/arrived.pcap" ;; esac
    rm -f "$WORK/arrived.pcap"
    BY_RAW=
    for name in client listener; do
      [ "$(grep -c AF_XDP "$WORK/$name.err")" = 1 ] || fail "the $name says not one line: $(cat "$WORK/$name.err")"
      has_line "$name" 'AF_XDP does not receive on .*CAP_BPF' || fail "the $name says: $(cat "$WORK/$name.err")"
    done
  else
    must_come_past_ip "$NET_A" $((got_a + 1000)); must_come_past_ip "$NET_B" $((got_b + 1000))
    for name in client listener; do
      ! has_line "$name" 'AF_XDP' || fail "the $name says: $(grep AF_XDP "$WORK/$name.err")"
    done
  fi
  say "${B_ADDR[$path]}, received by $receivers: 64 MiB each way, sums agree, in $((SECONDS - start)) s"
}

# has_program NETNS DEVICE
has_program() { ip -n "$1" -d link show "$2" | grep -q xdpgeneric; }

# two processes on one interface: the second has raw sockets, says so, and gets what is its own
two_processes() {
  local binary name port=$PORT
  binary=$(built tools/usctp-cat)
  for name in first second; do
    # shellcheck disable=SC2046
    spawn "$name" in_net "$NET_B" "$binary" $(cat_options raw4 default) -l "${B_ADDR[0]}" "$port" </dev/null >"$WORK/$name.got"
    port=$((port + 1))
    wait_until 10 has_line "$name" 'listening on port' || fail "the $name does not listen"
  done
  # shellcheck disable=SC2046
  spawn slow in_net "$NET_A" "$binary" $(cat_options raw4 default) "${B_ADDR[0]}" $PORT < <(pace_small 0.5) >"$WORK/slow.out"
  wait_until 10 has_program "$NET_B" p0 || fail "there is no program on the first one's interface"
  pace_small 0.2 | in_net "$NET_A" timeout 30 "$binary" "${B_ADDR[0]}" $((PORT + 1)) >"$WORK/quick.out" 2>&1 ||
    fail "to the second: $(cat "$WORK/quick.out")"
  must_finish second 20
  same_file "$WORK/small.data" "$WORK/second.got"
  [ "$(grep -c AF_XDP "$WORK/second.err")" = 1 ] || fail "the second says not one line: $(cat "$WORK/second.err")"
  must_finish slow 30
  must_finish first 20
  same_file "$WORK/small.data" "$WORK/first.got"
  ! has_line first AF_XDP || fail "the first says: $(grep AF_XDP "$WORK/first.err")"
  ! has_program "$NET_B" p0 || fail "the program has outlived its process"
  say "two processes: told: $(grep AF_XDP "$WORK/second.err")"
}
# it takes a while until the second gives up waiting for the queue
pace_small() {
  local i
  for ((i = 0; i < 8; i++)); do
    dd if="$WORK/small.data" bs=$((MIB / 8)) skip=$i count=1 status=none
    sleep "$1"
  done
}

# the receiver's Ethernet address becomes another one, and nobody says so
fault() {
  ip -n "$NET_B" link set "p0" down
  ip -n "$NET_B" link set "p0" address 02:77:00:00:00:99
  ip -n "$NET_B" link set "p0" up
  ip -n "$NET_B" addr add "${B_ADDR[0]}/24" dev p0 2>/dev/null || true
}

changed_address() {
  local start=$SECONDS carried
  make_file "$WORK/paced.data" $((20 * MIB)) 6
  rm -f "$WORK/received.got" "$WORK/paced.fifo"; mkfifo "$WORK/paced.fifo"
  start_receiver usctp b "${B_ADDR[0]}" raw4 low
  spawn feeder pace "$WORK/paced.data" "$WORK/paced.fifo" 32768 10
  start_sender usctp a "${A_ADDR[0]}" "${B_ADDR[0]}" raw4 low "$WORK/paced.fifo"
  carried=$(carried 0 b)
  wait_until 20 has_carried 0 b $((carried + 4 * MIB)) || fail "nothing is carried"
  fault
  must_finish sender 60
  must_finish receiver 20
  must_finish feeder 5
  same_file "$WORK/paced.data" "$WORK/received.got"
  say "another Ethernet address in the middle: sums agree, in $((SECONDS - start)) s"
}

# join_router NETNS PATH: device r<PATH> between that host and the router, 10.78.PATH.1 and .2
join_router() {
  local ns
  ip link add "r$2" netns "$1" mtu 1500 type veth peer name "r$2" netns "$NET_R" mtu 1500
  for ns in "$1" "$NET_R"; do ip -n "$ns" link set "r$2" up; done
  ip -n "$1" addr add "10.78.$2.1/24" dev "r$2"; ip -n "$NET_R" addr add "10.78.$2.2/24" dev "r$2"
  ip -n "$1" route add 10.78.0.0/16 via "10.78.$2.2"
}

# over_router MTU: the router's second link takes that
over_router() {
  local binary before
  binary=$(built tools/usctp-cat)
  before=$(sent_by_ip "$NET_A")
  ip -n "$NET_R" link set r1 mtu "$1"
  # shellcheck disable=SC2046
  spawn receiver in_net "$NET_B" "$binary" $(cat_options raw4 low) -l 10.78.1.1 $PORT </dev/null >"$WORK/received.got"
  wait_until 10 has_line receiver 'listening on port' || fail "the receiver does not listen"
  # shellcheck disable=SC2046
  spawn sender in_net "$NET_A" "$binary" $(cat_options raw4 low) 10.78.1.1 $PORT <"$WORK/routed.data" >"$WORK/sender.out"
  must_finish sender 60
  must_finish receiver 20
  same_file "$WORK/routed.data" "$WORK/received.got"
  must_pass_ip "$NET_A" $((before + 500))
  say "over a router, MTU $1: sums agree"
}

# says_why PATTERN ADDRESS: the transfer works, and the client has said in one line why it goes by raw sockets
says_why() {
  local binary
  binary=$(built tools/usctp-cat)
  spawn receiver in_net "$NET_A" "$binary" -v -l $PORT </dev/null >"$WORK/received.got"
  wait_until 10 has_line receiver 'listening on port' || fail "the receiver does not listen"
  spawn sender in_net "$NET_A" "$binary" --transport xdp "$2" $PORT <"$WORK/small.data" >"$WORK/sender.out"
  must_finish sender 30
  must_finish receiver 20
  same_file "$WORK/small.data" "$WORK/received.got"
  [ "$(grep -c AF_XDP "$WORK/sender.err")" = 1 ] || fail "not one line: $(cat "$WORK/sender.err")"
  has_line sender "$1" || fail "not \"$1\": $(cat "$WORK/sender.err")"
  say "told: $(grep AF_XDP "$WORK/sender.err")"
}

need_tool tshark
/usr/bin/python3 -c 'import scapy' 2>/dev/null || skip "python3-scapy is not installed"
net_make 4 6
count_packets "$NET_A"; count_packets "$NET_B"
make_file "$WORK/small.data" $MIB 7
says_why 'lo, .*loopback' 127.0.0.1
make_file "$WORK/client.data" $((64 * MIB)) 3
make_file "$WORK/listener.data" $((64 * MIB)) 4
need_tool setpriv
for receivers in xdp raw; do
  both_ways 0 $receivers
  both_ways 1 $receivers
done
two_processes
BY_RAW=yes
path_cut_transfer usctp usctp
BY_RAW=
changed_address

perf=$(built tools/usctp-perf)
spawn server in_net "$NET_B" "$perf" -s --one --transport xdp </dev/null >"$WORK/server.out"
sleep 0.5
in_net "$NET_A" timeout 30 "$perf" -c "${B_ADDR[0]}" -t 1 --transport xdp >"$WORK/perf.out" 2>"$WORK/perf.err" ||
  fail "usctp-perf: $(cat "$WORK/perf.err")"
must_finish server 10

# A program that knows nothing of it
if command -v iperf3 >/dev/null; then
  run=$(built tools/usctp-run) before=$(sent_by_ip "$NET_A") got=$(got_by_ip "$NET_B")
  spawn iperf in_net "$NET_B" "$run" --transport xdp iperf3 -s -1 </dev/null >"$WORK/iperf.out"
  sleep 1
  in_net "$NET_A" timeout 30 "$run" --transport xdp iperf3 --sctp -c "${B_ADDR[0]}" -t 1 >"$WORK/run.out" 2>"$WORK/run.err" ||
    fail "usctp-run iperf3: $(cat "$WORK/run.err" "$WORK/run.out")"
  finish iperf 10 || true
  [ ! -s "$WORK/run.err" ] || fail "usctp-run says: $(cat "$WORK/run.err")"
  must_pass_ip "$NET_A" $((before + 500))
  must_come_past_ip "$NET_B" $((got + 500))
fi

namespace_make "$NET_R"
in_net "$NET_R" sysctl -qw net.ipv4.ip_forward=1
join_router "$NET_A" 0; join_router "$NET_B" 1
make_file "$WORK/routed.data" $((16 * MIB)) 8
over_router 1500
over_router 1300

status=0
in_net "$NET_A" "$(built tools/usctp-cat)" --transport pigeon 127.0.0.1 7 </dev/null >/dev/null 2>"$WORK/usage.err" || status=$?
{ [ $status = 2 ] && grep -q 'raw, udp or xdp' "$WORK/usage.err"; } || fail "--transport pigeon: $status"
