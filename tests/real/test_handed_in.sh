#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Sockets opened as root, raw ones and UDP ones on a low port, handed to a stack that is made when the
# process is nobody, without capabilities; and a stack made as root, whose process becomes nobody then.
. "$(dirname "$0")/placement.sh"
net_make 4 6
for how in "--handed-in --drop-before" "--handed-in --drop-before --no-thread" "--drop-after"; do
  exchange "raw IPv4, $how" 0 "$how" "$how"
  exchange "raw IPv6, $how" 1 "--ipv6 $how" "--ipv6 $how"
  exchange "UDP, IPv4, $how" 0 "--udp $how" "--udp $how"
  exchange "UDP, IPv6, $how" 1 "--udp --ipv6 $how" "--udp --ipv6 $how"
done

# The same without anything handed in: told what it takes.
status=0
spawn client in_net "$NET_A" "$(built tests/real/placement)" --drop-before listen $PORT </dev/null
finish client 20 || status=$?
[ $status = 3 ] || fail "a raw stack was made by nobody (status $status)"
has_line client CAP_NET_RAW || fail "the reason does not name the capability: $(cat "$WORK/client.err")"
status=0
spawn client in_net "$NET_A" "$(built tests/real/placement)" --udp --mark 7 --drop-before listen $PORT </dev/null
finish client 20 || status=$?
[ $status = 3 ] || fail "nobody has set a mark (status $status)"
has_line client CAP_NET_ADMIN || fail "the reason does not name the capability: $(cat "$WORK/client.err")"
say "without them: $(cat "$WORK/client.err")"
