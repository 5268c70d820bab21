#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# usctp_stack_options.device (SO_BINDTODEVICE) and .mark (SO_MARK, counted and routed by).
. "$(dirname "$0")/placement.sh"
net_make 4 4 6

# refused WHAT PATTERN PATH OPTION...: the client does not get through, and says why
refused() {
  local what=$1 pattern=$2 path=$3 status=0
  shift 3
  place_client "$path" "$@"
  finish client 60 || status=$?
  [ $status = 4 ] || fail "$what: status $status"
  has_line client "$pattern" || fail "$what: $(cat "$WORK/client.err")"
  say "$what: $(tail -n 1 "$WORK/client.err")"
}

in_net "$NET_A" nft -f - <<-'END'
	table inet marks {
	  counter marked { }
	  counter unmarked { }
	  counter by_p1 { }
	  chain out {
	    type filter hook output priority 0;
	    meta l4proto 132 meta mark 0x2a counter name marked
	    meta l4proto 132 meta mark != 0x2a counter name unmarked
	    udp dport 9899 meta mark 0x2a counter name marked
	    udp dport 9899 meta mark != 0x2a counter name unmarked
	    oifname "p1" meta l4proto { 17, 132 } counter name by_p1
	  }
	}
	END
packets() { in_net "$NET_A" nft list counter inet marks "$1" | sed -n 's/.*packets \([0-9]*\) .*/\1/p'; }

for udp in "" --udp; do
  # Without a device both addresses of a host are told and can be reached.
  exchange "no device $udp" 1 "$udp" "$udp"
  has_line server '2 of the peer' || fail "no device: $(cat "$WORK/server.err")"

  [ "$(packets by_p1)" -gt 10 ] || fail "no device: $(packets by_p1) packets by the second path"
  in_net "$NET_A" nft reset counters >"$WORK/reset.out"

  # The client's: no other device's address is told, nor is anything sent by another device.
  exchange "the client on a device $udp" 0 "$udp" "$udp --device p0"
  has_line server '1 of the peer' || fail "device: $(cat "$WORK/server.err")"
  # shellcheck disable=SC2086
  refused "the client on the other device $udp" connecting: 1 $udp --device p0
  [ "$(packets by_p1)" = 0 ] || fail "device: $(packets by_p1) packets left by the other one"

  # The server's: what comes in by another device is not for it.
  read -ra options <<<"$udp --device p0"
  place_server "${options[@]}"
  # shellcheck disable=SC2086
  refused "the server on the other device $udp" connecting: 1 $udp
  # shellcheck disable=SC2086
  place_client 0 $udp
  must_finish client 60
  must_finish server 30
  say "the server on a device $udp: all arrived"
done

for options in "0" "2 --ipv6" "0 --udp" "2 --udp --ipv6"; do
  read -r path flags <<<"$options"
  in_net "$NET_A" nft reset counters >"$WORK/reset.out"
  exchange "mark, $flags" "$path" "$flags" "$flags --mark 42"
  [ "$(packets marked)" -gt 10 ] || fail "mark $flags: $(packets marked) packets have it"
  [ "$(packets unmarked)" = 0 ] || fail "mark $flags: $(packets unmarked) packets lack it"
  in_net "$NET_A" nft reset counters >"$WORK/reset.out"
  exchange "no mark, $flags" "$path" "$flags" "$flags"
  [ "$(packets marked)" = 0 ] || fail "no mark $flags: $(packets marked) packets have it"
done

# A way that only marked packets have: the stack's own questions to the routing table carry the mark, too.
ip -n "$NET_B" addr add 10.99.0.1/32 dev lo
in_net "$NET_A" ip rule add fwmark 42 table 100
in_net "$NET_A" ip route add 10.99.0.1/32 via "${B_ADDR[1]}" table 100
B_ADDR[1]=10.99.0.1
for udp in "" --udp; do
  # shellcheck disable=SC2086
  refused "unmarked, by the marked's way $udp" unreachable 1 $udp
  exchange "marked, by a way of its own $udp" 1 "$udp" "$udp --mark 42"
done
