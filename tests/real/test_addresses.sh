#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Addresses of a multihomed host: what leaves each link has that link's source address, the INIT above all; what
# returns may come by another link; an address, an interface or a route that goes in the middle of a transfer does
# not stop it, and is used again when it is back; on the sending and on the receiving side.
# ctest-waits: mostly
# ctest-cost: 60
# shellcheck disable=SC2034 # read by lib.sh
TEST_LIMIT_S=280
. "$(dirname "$0")/cases.sh"
# ctest-timeout: 300

need_tool tcpdump
net_make 4 4 6 6
for ns in "$NET_A" "$NET_B"; do # not in question here, and strict on some hosts
  in_net "$ns" sh -c 'for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 >$f; done'
done

# packets FILE FILTER: how many
packets() { tcpdump -nr "$WORK/$1.pcap" "$2" 2>/dev/null | wc -l; }
# INITs: chunk type 1 where IPv4's options and IPv6's extension headers are missing
INIT='(ip proto 132 and ip[32] == 1) or (ip6 proto 132 and ip6[52] == 1)'

# sources BIND CUT...: a client that is bound to BIND ("": to nothing), over paths of which some are cut at side B
sources() {
  local bind=$1 i other options=$(cat_options raw4 low)
  shift
  [ -z "$bind" ] || options+=" --bind $bind"
  rm -f "$WORK/received.got" "$WORK/paced.fifo"
  mkfifo "$WORK/paced.fifo"
  start_receiver usctp b "$(joined "${B_ADDR[@]}")" raw4 low
  spawn feeder pace "$WORK/small.data" "$WORK/paced.fifo" 4096 50 # long enough for heartbeats on every path
  for i in "${!A_ADDR[@]}"; do capture_start "link$i" "$NET_A" "p$i"; done
  for i in "$@"; do path_cut "$i" b; done
  # shellcheck disable=SC2086
  spawn sender in_net "$NET_A" "$(built tools/usctp-cat)" $options "$(joined "${B_ADDR[@]}")" $PORT \
    <"$WORK/paced.fifo" >/dev/null
  must_finish sender 40
  must_finish receiver 20
  must_finish feeder 5
  for i in "$@"; do path_repair "$i" b; done
  for i in "${!A_ADDR[@]}"; do capture_stop "link$i"; done
  same_file "$WORK/small.data" "$WORK/received.got"
  for i in "${!A_ADDR[@]}"; do
    [ "$(packets "link$i" "src host ${A_ADDR[$i]} and dst host ${B_ADDR[$i]}")" -gt 0 ] ||
      fail "nothing left link $i with its own address"
    [ "$(packets "link$i" "not src host ${A_ADDR[$i]} and not src host ${B_ADDR[$i]}")" = 0 ] ||
      fail "what left link $i had another link's address: $(tcpdump -nr "$WORK/link$i.pcap" 2>/dev/null | head -n 5)"
  done
  for i in "$@"; do # tried, unanswered
    [ "$(packets "link$i" "($INIT) and src host ${A_ADDR[$i]}")" -gt 0 ] || fail "no INIT on link $i"
  done
  say "bound to ${bind:-nothing}, cut: $*: $(packets link0 "$INIT") $(packets link1 "$INIT")" \
    "$(packets link2 "$INIT") $(packets link3 "$INIT") INITs on the links, each with its link's source"
}
make_file "$WORK/small.data" 300000 4
sources '' 0
sources "$(joined "${A_ADDR[3]}" "${A_ADDR[1]}" "${A_ADDR[2]}" "${A_ADDR[0]}")" 0 1 2

# Side B answers what came over path 0 by path 1, with path 0's addresses
in_net "$NET_B" ip route add "${A_ADDR[0]}/32" via "${A_ADDR[1]}" dev p1
rm -f "$WORK/received.got"
start_receiver usctp b "${B_ADDR[0]}" raw4 low
capture_start return "$NET_A" p1
make_file "$WORK/sent.data" $MIB 5
start_sender usctp a "${A_ADDR[0]}" "${B_ADDR[0]}" raw4 low "$WORK/sent.data"
must_finish sender 30
must_finish receiver 20
capture_stop return
in_net "$NET_B" ip route del "${A_ADDR[0]}/32" via "${A_ADDR[1]}" dev p1
same_file "$WORK/sent.data" "$WORK/received.got"
returned=$(packets return "src host ${B_ADDR[0]} and dst host ${A_ADDR[0]}")
[ "$returned" -gt 10 ] || fail "only $returned packets came back by the other link"
say "asymmetric return: $returned packets came back by the other link, sums agree"

drop_address() { # drop_address NETNS PATH ADDRESS
  case $3 in *:*) ip -n "$1" addr del "$3/64" dev "p$2" ;; *) ip -n "$1" addr del "$3/24" dev "p$2" ;; esac
}

fault() { drop_address "$NET_A" 0 "${A_ADDR[0]}"; }
repair() { give_address "$NET_A" 0 "${A_ADDR[0]}"; }
disturbed_transfer "the sender's IPv4 address removed" 0 1
fault() { drop_address "$NET_A" 2 "${A_ADDR[2]}"; }
repair() { give_address "$NET_A" 2 "${A_ADDR[2]}"; }
disturbed_transfer "the sender's IPv6 address removed" 2 3
fault() { drop_address "$NET_B" 0 "${B_ADDR[0]}"; }
repair() { give_address "$NET_B" 0 "${B_ADDR[0]}"; }
disturbed_transfer "the receiver's address removed" 0 3
fault() { ip -n "$NET_A" link set p0 down; }
repair() { ip -n "$NET_A" link set p0 up; }
disturbed_transfer "the sender's interface down and up" 0 1
fault() { ip -n "$NET_B" link set p2 down; }
repair() { ip -n "$NET_B" link set p2 up; give_address "$NET_B" 2 "${B_ADDR[2]}"; } # IPv6 forgets it
disturbed_transfer "the receiver's interface down and up" 2 1
# Without the address's own prefix the way to side B is the other link's, with that link's source
fault() {
  ip -n "$NET_A" route del "${A_ADDR[0]%.*}.0/24" dev p0
  ip -n "$NET_A" route add unreachable "${B_ADDR[0]}/32"
}
repair() {
  ip -n "$NET_A" route del unreachable "${B_ADDR[0]}/32"
  ip -n "$NET_A" route add "${A_ADDR[0]%.*}.0/24" dev p0 src "${A_ADDR[0]}"
}
disturbed_transfer "the route taken away" 0 1
