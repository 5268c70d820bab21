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

# An ordinary user with CAP_NET_RAW and nothing else, as setcap gives it.  Copies of the programs, since the
# build tree may be where he cannot read.
need_tool setpriv
program=$(built tests/real/placement)
mkdir -m 755 "$WORK/bin"
install -m 755 "$program" "$WORK/bin/placement"
ldd "$program" | sed -n "s|.*=> \\($USCTP_BUILD/[^ ]*\\) .*|\\1|p" | xargs -r install -m 755 -t "$WORK/bin"
with_raw_only() {
  spawn "$1" in_net "$2" setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps -all,+net_raw \
    --ambient-caps -all,+net_raw --bounding-set -all,+net_raw \
    env LD_LIBRARY_PATH="$WORK/bin" "$WORK/bin/placement" "${@:3}" </dev/null
}
with_raw_only server "$NET_B" listen $PORT
wait_until 10 has_line server 'listening on' || fail "CAP_NET_RAW does not do: $(cat "$WORK/server.err")"
with_raw_only client "$NET_A" --device p0 connect "${B_ADDR[0]}" $PORT
must_finish client 60
must_finish server 30
say "CAP_NET_RAW alone: all arrived"

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
