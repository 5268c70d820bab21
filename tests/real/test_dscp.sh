#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# ctest-waits: mostly
# Code point and flow label of RFC 6458 8.1.12 and of IP_TOS and IPV6_TCLASS, on the wire: in every packet of
# each side, from INIT and INIT ACK to the end, over raw IPv4, raw IPv6 and UDP.
. "$(dirname "$0")/placement.sh"
need_tool tshark
net_make 4 6

# fields FILE SOURCE FIELD: the values of a field in SCTP packets from a source, each once
fields() {
  tshark -r "$1" -n -d udp.port==9899,sctp -Y "sctp && (ip.src == $2)" -T fields -e "$3" 2>/dev/null | sort -u
}
fields6() {
  tshark -r "$1" -n -d udp.port==9899,sctp -Y "sctp && (ipv6.src == $2)" -T fields -e "$3" 2>/dev/null | sort -u
}
expect() { # expect WHAT GOT WANTED
  [ "$2" = "$3" ] || fail "$1: '$2', not '$3'"
}

captured() { # captured NAME WHAT PATH SERVER-OPTIONS CLIENT-OPTIONS
  capture_start "$1" "$NET_A" "p$3"
  exchange "$2" "$3" "$4" "$5"
  capture_stop "$1"
}

for transport in raw udp; do
  option=
  [ $transport = raw ] || option=--udp
  file=$WORK/${transport}4.pcap
  captured ${transport}4 "$transport, IPv4" 0 "$option --dscp 10" "$option --dscp 46"
  expect "$transport, IPv4, code point of the client" "$(fields "$file" "${A_ADDR[0]}" ip.dsfield.dscp)" 46
  expect "$transport, IPv4, code point of the server" "$(fields "$file" "${B_ADDR[0]}" ip.dsfield.dscp)" 10
  expect "$transport, IPv4, ECN of the client" "$(fields "$file" "${A_ADDR[0]}" ip.dsfield.ecn)" 0
  must_be_clean "$file"

  file=$WORK/${transport}6.pcap
  captured ${transport}6 "$transport, IPv6" 1 "--ipv6 $option --dscp 10 --label 0x54321" \
    "--ipv6 $option --dscp 46 --label 0x12345"
  expect "$transport, IPv6, code point of the client" "$(fields6 "$file" "${A_ADDR[1]}" ipv6.tclass.dscp)" 46
  expect "$transport, IPv6, code point of the server" "$(fields6 "$file" "${B_ADDR[1]}" ipv6.tclass.dscp)" 10
  expect "$transport, IPv6, flow label of the client" "$(fields6 "$file" "${A_ADDR[1]}" ipv6.flow)" 0x012345
  expect "$transport, IPv6, flow label of the server" "$(fields6 "$file" "${B_ADDR[1]}" ipv6.flow)" 0x054321
  must_be_clean "$file"
done

# ip(7), ipv6(7): the whole octet is given, its ECN bits are SCTP's own.  46 << 2 | 3 = 187, 10 << 2 = 40.
captured tos4 "IP_TOS" 0 "--tos 40" "--tos 187"
expect "IP_TOS, the client" "$(fields "$WORK/tos4.pcap" "${A_ADDR[0]}" ip.dsfield)" 0xb8
expect "IP_TOS, the server" "$(fields "$WORK/tos4.pcap" "${B_ADDR[0]}" ip.dsfield)" 0x28
captured tos6 "IPV6_TCLASS" 1 "--ipv6 --udp --tos 40" "--ipv6 --udp --tos 187"
expect "IPV6_TCLASS, the client" "$(fields6 "$WORK/tos6.pcap" "${A_ADDR[1]}" ipv6.tclass.dscp)" 46
expect "IPV6_TCLASS, its ECN" "$(fields6 "$WORK/tos6.pcap" "${A_ADDR[1]}" ipv6.tclass.ecn)" 0
expect "IPV6_TCLASS, the server" "$(fields6 "$WORK/tos6.pcap" "${B_ADDR[1]}" ipv6.tclass.dscp)" 10

captured plain "neither set" 0 "" ""
expect "no code point" "$(fields "$WORK/plain.pcap" "${A_ADDR[0]}" ip.dsfield.dscp)" 0
expect "no code point, server" "$(fields "$WORK/plain.pcap" "${B_ADDR[0]}" ip.dsfield.dscp)" 0
say "code points and flow labels are on the wire"
