# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
#
# Hostile packets (hostile-packets.py) over $TRANSPORT (raw4, raw6, udp) at both ends of an association that
# carries data both ways all the while: every reply keeps to the rules, what is right is answered, no
# process ends or leaves a sanitizer's report, and what crossed is what was sent.  Sourced.
TEST_LIMIT_S=${TEST_LIMIT_S:-580}
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

PORT=5001 LISTENER=5002
PACKETS=${PACKETS:-2000} # at each end, besides those of associations of the attacker's own
PYTHON=/usr/bin/python3
cat=$(built tools/usctp-cat)
host=$(built tests/real/hostile-host)
$PYTHON -c 'import scapy' 2>/dev/null || skip "python3-scapy is not installed"
SANITIZED=
! grep -qa __asan_init "$cat" || SANITIZED=--sanitized

# reach NETNS OTHER: NETNS reaches the addresses of strangers and bystanders over the link, at the MAC of OTHER
reach() {
  local mac n
  mac=$(in_net "$2" cat /sys/class/net/p0/address)
  ip -n "$1" route add 10.78.0.0/24 dev p0
  ip -n "$1" -6 route add fd78::/64 dev p0
  for n in 10 11 12 13 40 41 42 43 44 45 46 47 48 49; do
    echo "neigh replace 10.78.0.$n lladdr $mac dev p0 nud permanent"
    printf 'neigh replace fd78::%x lladdr %s dev p0 nud permanent\n' $n "$mac"
  done | ip -n "$1" -batch -
}

# attack SIDE: the host on that side, from the other end of the link
attack() {
  local ns from target peer
  case $1 in
    a) ns=$NET_A from=$NET_B target=$A peer=$B ;;
    b) ns=$NET_B from=$NET_A target=$B peer=$A ;;
  esac
  spawn "attack_$1" in_net "$from" $PYTHON "$REAL_DIR/hostile-packets.py" --device p0 \
    --mac "$(in_net "$ns" cat /sys/class/net/p0/address)" --target "$target" --peer "$peer" --port $PORT \
    --listener $LISTENER --listener-pid "${PID[host_$1]}" --run "ip netns exec $ns $cat" \
    --begin "$WORK/begin" --udp "$UDP_PORT" --packets "$PACKETS" --seed "${SEED:-1}" $SANITIZED ${ONLY:+--only "$ONLY"} \
    >"$WORK/attack_$1.out" </dev/null
}

# attacked SIDE: how it went
attacked() {
  local status=0
  finish "attack_$1" 400 || status=$?
  sed "s/^/  /" "$WORK/attack_$1.out"
  [ $status = 0 ] || fail "$TRANSPORT, side $1: exit status $status"
}

# no_report NAME...: none of these processes has anything to say of its memory
no_report() {
  local name
  for name in "$@"; do
    ! grep -E 'Sanitizer|runtime error' "$WORK/$name.err" || fail "the $name has an error of memory"
  done
}

# start NAME NETNS COMMAND...: spawned with what the caller redirects; it listens
start() {
  spawn "$1" in_net "${@:2}"
  wait_until 20 has_line "$1" 'listening' || fail "the $1 does not listen"
}

# case_hostile TRANSPORT
case_hostile() {
  local options='-v --both' listener_udp='' side count start=$SECONDS
  UDP_PORT=0 A=${A_ADDR[0]} B=${B_ADDR[0]}
  [ "$1" != raw6 ] || A=${A_ADDR[1]} B=${B_ADDR[1]}
  [ "$1" != udp ] || { UDP_PORT=9899 listener_udp=9900 options+=' --udp'; }
  rm -f "$WORK/enough" "$WORK/begin" "$WORK"/*.data "$WORK"/*.got "$WORK"/*.fifo
  mkfifo "$WORK/client.fifo" "$WORK/listener.fifo"
  # shellcheck disable=SC2086
  start host_a "$NET_A" "$host" "$A" $LISTENER $listener_udp </dev/null
  # shellcheck disable=SC2086
  start host_b "$NET_B" "$host" "$B" $LISTENER $listener_udp </dev/null
  spawn client_feed endless 1 "$WORK/client.fifo" "$WORK/client.data" "$WORK/enough" 16384 20 </dev/null
  spawn listener_feed endless 2 "$WORK/listener.fifo" "$WORK/listener.data" "$WORK/enough" 16384 20 </dev/null
  # shellcheck disable=SC2086
  start listener "$NET_B" "$cat" $options -l "$B" $PORT <"$WORK/listener.fifo" >"$WORK/listener.got"
  # shellcheck disable=SC2086
  spawn client in_net "$NET_A" "$cat" $options --bind "$A" "$B" $PORT <"$WORK/client.fifo" >"$WORK/client.got"
  wait_until 20 test -s "$WORK/client.got" || fail "$1: nothing arrives"
  attack a; attack b
  # What one sends in a peer's name, the other must not take for the association.
  for side in a b; do
    wait_until 40 has_line attack_$side 'knows the association' || fail "$1: attacker $side knows no association"
  done
  : >"$WORK/begin"
  attacked a; attacked b
  count=$(stat -c %s "$WORK/client.got")
  for side in listener client host_a host_b; do
    ! is_gone $side || fail "$1: the $side has ended under attack"
  done
  sleep 1
  [ "$(stat -c %s "$WORK/client.got")" -gt "$count" ] || fail "$1: nothing arrives any more"
  : >"$WORK/enough"
  must_finish client 60
  must_finish listener 20
  must_finish client_feed 5; must_finish listener_feed 5
  same_file "$WORK/client.data" "$WORK/listener.got"
  same_file "$WORK/listener.data" "$WORK/client.got"
  for side in host_a host_b; do
    kill -TERM "${PID[$side]}"
    must_finish $side 20
  done
  no_report listener client host_a host_b
  say "$1: $(($(stat -c %s "$WORK/client.data") >> 10)) KiB one way and" \
    "$(($(stat -c %s "$WORK/listener.data") >> 10)) KiB the other crossed meanwhile, sums agree," \
    "in $((SECONDS - start)) s${SANITIZED:+, with sanitizers}"
}

net_make 4
path_addresses 1 6 # both families on the one link
ip -n "$NET_A" addr add "${A_ADDR[1]}/64" dev p0 nodad
ip -n "$NET_B" addr add "${B_ADDR[1]}/64" dev p0 nodad
reach "$NET_A" "$NET_B"
reach "$NET_B" "$NET_A"

case_hostile "$TRANSPORT"
