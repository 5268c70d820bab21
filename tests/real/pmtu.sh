# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
#
# Path MTU over a router whose second link takes less than the hosts' own: with the router's ICMP errors, and
# with these dropped (a black hole).  What is sent arrives each time; and where the link is narrowed and
# widened on the way, larger packets are used again.  To be sourced.
TEST_LIMIT_S=280
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

cat=$(built tools/usctp-cat)
NET_R=usctp$$r
PORT=7
MIB=$((1024 * 1024))

remove_router() { ip netns del "$NET_R" 2>/dev/null || true; }
trap 'status=$?; set +e; remove_router; (exit $status); cleanup' EXIT

# join_router NETNS PATH: device p<PATH> between that host and the router, IPv4 10.78.PATH.1 and .2
join_router() {
  local ns
  ip link add "p$2" netns "$1" mtu 1500 type veth peer name "p$2" netns "$NET_R" mtu 1500
  for ns in "$1" "$NET_R"; do
    ip netns exec "$ns" ethtool -K "p$2" gso off tso off gro off tx-udp-segmentation off
    ip -n "$ns" link set "p$2" up
  done
  ip -n "$1" addr add "10.78.$2.1/24" dev "p$2"; ip -n "$NET_R" addr add "10.78.$2.2/24" dev "p$2"
  ip -n "$1" addr add "fd78:$2::1/64" dev "p$2" nodad; ip -n "$NET_R" addr add "fd78:$2::2/64" dev "p$2" nodad
  ip -n "$1" route add default via "10.78.$2.2"; ip -n "$1" -6 route add default via "fd78:$2::2"
}
need_root; need_tool ip nft ethtool tcpdump
namespace_make "$NET_A"; namespace_make "$NET_B"; namespace_make "$NET_R"
join_router "$NET_A" 0; join_router "$NET_B" 1
in_net "$NET_R" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
in_net "$NET_R" nft -f - <<'END'
table inet errors {
  set hushed { type inet_proto; }
  chain out {
    type filter hook output priority 1;
    meta l4proto @hushed icmp type destination-unreachable icmp code 4 drop
    meta l4proto @hushed icmpv6 type packet-too-big drop
  }
}
END

# link_takes BYTES: what the router's link to B carries
link_takes() { ip -n "$NET_R" link set p1 mtu "$1"; }
icmp_is() { # icmp_is heard|dropped
  in_net "$NET_R" nft flush set inet errors hushed
  [ "$1" = heard ] || in_net "$NET_R" nft add element inet errors hushed '{ 1, 58 }'
  ip -n "$NET_A" route flush cache; ip -n "$NET_A" -6 route flush cache
}

# set_transport NAME: TARGET and OPTIONS
set_transport() {
  case $1 in
    raw4) TARGET=10.78.1.1 OPTIONS='' ;;
    raw6) TARGET=fd78:1::1 OPTIONS='' ;;
    udp4) TARGET=10.78.1.1 OPTIONS=--udp ;;
    udp6) TARGET=fd78:1::1 OPTIONS=--udp ;;
  esac
}
start_pair() { # start_pair INPUT SENDER-OPTION...: as processes "receiver" and "sender"
  # shellcheck disable=SC2086
  spawn receiver in_net "$NET_B" "$cat" -v $OPTIONS -l "$TARGET" $PORT </dev/null >"$WORK/received.got"
  wait_until 10 has_line receiver 'listening on port' || fail "the receiver does not listen"
  # shellcheck disable=SC2086
  spawn sender in_net "$NET_A" "$cat" -v $OPTIONS "${@:2}" "$TARGET" $PORT <"$1" >/dev/null
}
end_pair() { # end_pair SECONDS
  must_finish sender "$1"; must_finish receiver 20
  same_file "$WORK/sent.data" "$WORK/received.got"
}

# narrow TRANSPORT heard|dropped BYTES: it has been so from the start
narrow() {
  local start=$SECONDS
  set_transport "$1"; icmp_is "$2"; link_takes "$3"
  start_pair "$WORK/sent.data"
  end_pair 60
  has_line sender 'MTU 1500 -> 1' || fail "$1, $3 bytes, ICMP $2: the path MTU did not fall"
  say "$1, a link of $3 bytes, ICMP $2: 4 MiB, sums agree, in $((SECONDS - start)) s;" \
    "$(sed -n 's/.*MTU [0-9]* -> //p' "$WORK/sender.err" | tr '\n' ' ')"
  if [ "$2" = heard ]; then
    has_line sender "MTU .* -> $3\$" || fail "$1: the path MTU is not what the router said"
  fi
}

# large_frames: how many frames of more than 1400 bytes the router's link to B has carried so far
start_counting() {
  in_net "$NET_B" nft -f - <<-'END'
	table netdev sizes {
	  counter large { }
	  chain in { type filter hook ingress device "p1" priority 0; meta length > 1400 counter name large; }
	}
	END
}
large_frames() { in_net "$NET_B" nft list counter netdev sizes large | sed -n 's/.*packets \([0-9]*\) .*/\1/p'; }
large_frames_above() { [ "$(large_frames)" -gt "$1" ]; }

# falls_and_rises TRANSPORT heard|dropped: the link is narrowed under way, and widened again
falls_and_rises() {
  local start=$SECONDS wide
  set_transport "$1"; icmp_is "$2"; link_takes 1500
  rm -f "$WORK/enough"
  mkfifo "$WORK/input.fifo"
  spawn feeder endless 5 "$WORK/input.fifo" "$WORK/sent.data" "$WORK/enough" 6000 25 </dev/null # 240 kB/s
  start_pair "$WORK/input.fifo" --set pmtu_raise_us=2000000
  wide=$(large_frames)
  wait_until 10 large_frames_above $((wide + 100)) || fail "$1: no packets of full size"
  link_takes 1280
  wait_until 20 has_line sender 'MTU 1500 -> 1' || fail "$1, ICMP $2: the path MTU did not fall"
  sleep 1.5
  link_takes 1500
  wait_until 20 has_line sender 'path [^0].*MTU 1... -> 1500' || fail "$1, ICMP $2: the path MTU did not rise"
  wide=$(large_frames)
  wait_until 20 large_frames_above $((wide + 100)) || fail "$1, ICMP $2: the packets did not grow again"
  : >"$WORK/enough"
  must_finish feeder 5
  end_pair 60
  rm "$WORK/input.fifo"
  say "$1, a link that falls to 1280 and rises, ICMP $2: $(($(stat -c %s "$WORK/sent.data") >> 10)) KiB, sums agree, in $((SECONDS - start)) s;" \
    "$(sed -n 's/.*MTU [0-9]* -> //p' "$WORK/sender.err" | tr '\n' ' ')"
}

start_counting
