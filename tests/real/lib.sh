# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
#
# What the tests over a real network share: two network namespaces joined by veth pairs, a way to
# black-hole a path, processes with bounded time, captures, files, clean-up.  Sourced, never run.
#
# net_make FAMILY... makes namespaces $NET_A and $NET_B and one path per argument (4, 6): path i is
# device p<i> on both sides, with A_ADDR[i] and B_ADDR[i].  IPv4: 10.77.i.1 and .2; IPv6: fd77:i::1, ::2.
# net_make_kernel does the same with the Linux kernel peer (kernel-peer.sh) in the place of side B.
#
# Environment traps that this file takes care of:
# - a black hole is a drop where packets come in at the far side: a drop in an output hook makes sendto()
#   fail with EPERM, and a device set down gives routing errors; neither is loss;
# - a kernel without SCTP answers packets that no raw socket takes with ICMP protocol unreachable, on
#   which a connecting peer gives up: those ICMPs are dropped where they leave;
# - with segmentation offload on, a capture shows packets that never crossed a wire: switched off.
set -Eeuo pipefail
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH # the system's python3 first, which starts in a few milliseconds

REAL_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TEST_NAME=$(basename "$0" .sh)
# What a test script may take, end to end; it ends itself, so that it can clean up.
TEST_LIMIT_S=${TEST_LIMIT_S:-240}
USCTP_BUILD=${USCTP_BUILD:-}
NET_A=usctp$$a NET_B=usctp$$b
KERNEL=
declare -a A_ADDR=() B_ADDR=()
declare -A PID=()

say() { echo "$TEST_NAME: $*"; }
fail() { echo "$TEST_NAME: FAILED: $*" >&2; exit 1; }
# skip WHY...: the test cannot be run here
skip() { echo "$TEST_NAME: skipped: $*"; SKIPPED=1; exit 77; }

# --- life ---------------------------------------------------------------------------------------------

SKIPPED=
WORK=$(mktemp -d -t usctp-real.XXXXXX)
chmod 755 "$WORK"
( # the alarm; it takes its sleep with it when it is no longer needed
  trap 'kill $nap 2>/dev/null; exit' TERM
  sleep "$TEST_LIMIT_S" & nap=$!
  wait $nap; echo "$TEST_NAME: out of time ($TEST_LIMIT_S s)" >&2; kill -TERM $$
) </dev/null >/dev/null &
ALARM=$!
trap cleanup EXIT
trap 'echo "$TEST_NAME: line $LINENO of ${BASH_SOURCE[0]##*/}: $BASH_COMMAND" >&2' ERR
trap 'exit 143' TERM
trap 'exit 130' INT HUP

cleanup() {
  local status=$? name
  trap - EXIT ERR; trap '' TERM INT HUP
  set +e
  for name in "${!PID[@]}"; do kill -TERM "${PID[$name]}" 2>/dev/null; done
  [ ${#PID[@]} = 0 ] || sleep 0.1
  for name in "${!PID[@]}"; do kill -KILL "${PID[$name]}" 2>/dev/null; done
  if [ -n "$KERNEL" ]; then
    timeout 20 "$REAL_DIR/kernel-peer.sh" stop "$KERNEL" >/dev/null 2>&1
    cp "$GUEST_DIR/console" "$WORK/console.err" 2>/dev/null
    rm -rf "$GUEST_DIR"
  fi
  for name in "$NET_A" "$NET_B"; do # with whatever still runs in it
    ip netns pids "$name" 2>/dev/null | xargs -r kill -KILL 2>/dev/null
    ip netns del "$name" 2>/dev/null
  done
  kill -TERM "$ALARM" 2>/dev/null
  if [ $status != 0 ] && [ -z "$SKIPPED" ]; then keep_evidence; else rm -rf "$WORK"; fi
  exit $status
}

# keep_evidence: what a failed test leaves: the ends of its logs on stderr, captures and logs in a folder
keep_evidence() {
  local file
  for file in "$WORK"/*.err; do
    [ -s "$file" ] || continue
    echo "--- $(basename "$file")" >&2; tail -n 15 "$file" >&2
  done
  rm -f "$WORK"/*.data "$WORK"/*.got "$WORK"/*.fifo
  if [ -n "$USCTP_BUILD" ] && [ -d "$USCTP_BUILD" ]; then
    mkdir -p "$USCTP_BUILD/failed"; rm -rf "${USCTP_BUILD:?}/failed/$TEST_NAME"
    mv "$WORK" "$USCTP_BUILD/failed/$TEST_NAME" && WORK=$USCTP_BUILD/failed/$TEST_NAME
  fi
  echo "--- captures and logs: $WORK" >&2
}

# --- what must be there -------------------------------------------------------------------------------

need_tool() {
  local tool
  for tool in "$@"; do
    command -v "$tool" >/dev/null || [ -x "/usr/sbin/$tool" ] || skip "$tool is not installed"
  done
}
need_root() { [ "$(id -u)" = 0 ] || skip "not root: network namespaces cannot be made"; }

# built PATH: the full path of a program of the build tree
built() {
  [ -n "$USCTP_BUILD" ] || fail "USCTP_BUILD is not set to the build directory"
  [ -x "$USCTP_BUILD/$1" ] || fail "$USCTP_BUILD/$1 is not built"
  echo "$USCTP_BUILD/$1"
}
# need_peer NAME: skips when the peer program could not be built here (its library is not installed)
need_peer() { [ -x "$USCTP_BUILD/tests/real/$1" ] || skip "$1 is not built (its library is not installed)"; }

# --- namespaces, paths --------------------------------------------------------------------------------

# path_addresses PATH FAMILY: adds to A_ADDR and B_ADDR
path_addresses() {
  case $2 in
    4) A_ADDR[$1]=10.77.$1.1 B_ADDR[$1]=10.77.$1.2 ;;
    6) A_ADDR[$1]=fd77:$1::1 B_ADDR[$1]=fd77:$1::2 ;;
    *) fail "no such address family: $2" ;;
  esac
}

give_address() { # give_address NETNS PATH ADDRESS
  case $3 in
    *:*) ip -n "$1" addr add "$3/64" dev "p$2" nodad ;;
    *) ip -n "$1" addr add "$3/24" dev "p$2" ;;
  esac
}

# namespace_make NETNS: with its loopback up, and without ICMP protocol unreachable leaving it
namespace_make() {
  ip netns add "$1" 2>/dev/null || skip "no network namespaces here"
  ip -n "$1" link set lo up
  ip netns exec "$1" nft -f - <<-'END' || skip "nft does not work here"
	table inet usctp {
	  chain out {
	    type filter hook output priority 0;
	    icmp type destination-unreachable icmp code 2 drop
	    icmpv6 type parameter-problem icmpv6 code 1 drop
	  }
	}
	table netdev usctp {
	  set down { type ifname; }
	  counter cut { }
	}
	END
}

NET_OFFLOAD=off # "on" for benchmarks; captures then show packets that were never on a wire
# veth_make PATH: device p<PATH> on both sides, 1500 bytes, no offload, and what can black-hole it: a drop
# where frames come in, which also works for a bridge's port.  ARP and neighbour discovery still pass: a
# path that fails for SCTP only stays pure loss, without errors from the sender's own kernel.  58 is ICMPv6, by
# number because a bare system has no /etc/protocols.
veth_make() {
  local ns
  ip link add "p$1" netns "$NET_A" mtu 1500 type veth peer name "p$1" netns "$NET_B" mtu 1500
  for ns in "$NET_A" "$NET_B"; do
    [ "$NET_OFFLOAD" = on ] || ip netns exec "$ns" ethtool -K "p$1" gso off tso off gro off tx-udp-segmentation off
    ip -n "$ns" link set "p$1" up
    ip netns exec "$ns" nft -f - <<-END
	table netdev usctp {
	  chain p$1 {
	    type filter hook ingress device "p$1" priority 0;
	    iifname @down meta protocol { ip, ip6 } meta l4proto != 58 counter name cut drop
	  }
	}
	END
  done
}

net_make() { # net_make FAMILY...
  local i=0 family
  need_root; need_tool ip nft ethtool
  namespace_make "$NET_A"; namespace_make "$NET_B"
  for family in "$@"; do
    path_addresses $i "$family"; veth_make $i
    give_address "$NET_A" $i "${A_ADDR[$i]}"; give_address "$NET_B" $i "${B_ADDR[$i]}"
    i=$((i + 1))
  done
}

# net_make_kernel FAMILY...: side B is a guest with the Linux kernel's SCTP.  Its NICs are TAP devices in
# NET_B; a bridge there joins each to its veth, so that loss is made between the two stacks, not in one.
net_make_kernel() {
  local i=0 family
  need_root; need_tool ip nft ethtool
  [ -c /dev/net/tun ] || skip "no /dev/net/tun for the kernel peer"
  namespace_make "$NET_A"; namespace_make "$NET_B"
  KERNEL=k$$
  GUEST_DIR=${KPEER_DIR:-$HOME/.cache/kernel-peer}/$KERNEL # the only folder that the guest can write to
  timeout 300 "$REAL_DIR/kernel-peer.sh" fetch >"$WORK/kernel.err" 2>&1 || skip "the kernel peer's packages cannot be fetched"
  KPEER_BASE=10.77 KPEER_BASE6=fd77 timeout 120 "$REAL_DIR/kernel-peer.sh" start "$KERNEL" "$NET_B" $# \
    >>"$WORK/kernel.err" 2>&1 || { cat "$WORK/kernel.err"; KERNEL=''; rm -rf "$GUEST_DIR"; skip "the kernel peer does not start"; }
  for family in "$@"; do
    path_addresses $i "$family"; veth_make $i; give_address "$NET_A" $i "${A_ADDR[$i]}"
    ip -n "$NET_B" addr flush dev "$KERNEL$i"
    ip -n "$NET_B" link add "br$i" type bridge stp_state 0 forward_delay 0 mcast_snooping 0
    ip -n "$NET_B" link set "$KERNEL$i" master "br$i"
    ip -n "$NET_B" link set "p$i" master "br$i"
    ip -n "$NET_B" link set "br$i" up
    i=$((i + 1))
  done
}

guest() { KPEER_EXEC_TIMEOUT=${GUEST_LIMIT_S:-180} "$REAL_DIR/kernel-peer.sh" exec "$KERNEL" "$@"; }

# joined ADDRESS...: with commas, as programs take them
joined() { local IFS=,; echo "$*"; }

side_net() { if [ "$1" = a ]; then echo "$NET_A"; else echo "$NET_B"; fi; }
# path_cut PATH SIDE: from now on nothing that PATH carries arrives at SIDE (a, b); path_repair ends that
path_cut() { in_net "$(side_net "$2")" nft add element netdev usctp down "{ p$1 }"; }
path_repair() { in_net "$(side_net "$2")" nft delete element netdev usctp down "{ p$1 }"; }
# cut_packets SIDE: how many packets black holes have swallowed on their way to SIDE
cut_packets() {
  in_net "$(side_net "$1")" nft list counter netdev usctp cut | sed -n 's/.*packets \([0-9]*\) .*/\1/p'
}
# carried PATH SIDE: how many bytes the path has carried towards SIDE, headers included
carried() {
  in_net "$NET_A" cat "/sys/class/net/p$1/statistics/$([ "$2" = a ] && echo rx_bytes || echo tx_bytes)"
}
has_carried() { [ "$(carried "$1" "$2")" -ge "$3" ]; }

# --- processes ----------------------------------------------------------------------------------------

# spawn NAME COMMAND...: in the background; its stderr goes to $WORK/NAME.err, the caller redirects the
# rest ("<&0", or the shell would give a background process /dev/null).  A program, also one behind in_net,
# replaces the shell, so that signals reach it.
spawn() {
  local name=$1
  shift
  [ "$1" != in_net ] || { shift; set -- ip netns exec "$@"; }
  : >"$WORK/$name.err" # now, so that nobody reads what an earlier one said
  if [ "$(type -t "$1")" = file ]; then exec_spawned "$@"; else "$@"; fi <&0 2>"$WORK/$name.err" &
  PID[$name]=$!
}
exec_spawned() { exec "$@"; }
in_net() { ip netns exec "$@"; }

# wait_until SECONDS COMMAND...: polls; false when time is up
wait_until() {
  local end=$((SECONDS + $1 + 1))
  shift
  until "$@"; do
    [ $SECONDS -lt $end ] || return 1
    sleep 0.03
  done
}
is_gone() { ! kill -0 "${PID[$1]}" 2>/dev/null; }

# finish NAME SECONDS: waits for a spawned process; its exit status; 124 and killed when time is up
finish() {
  local status=0
  if ! wait_until "$2" is_gone "$1"; then
    kill -KILL "${PID[$1]}" 2>/dev/null || true
    wait "${PID[$1]}" 2>/dev/null || true
    status=124
  else
    wait "${PID[$1]}" || status=$?
  fi
  unset "PID[$1]"
  return $status
}
# must_finish NAME SECONDS: and with exit status 0
must_finish() { finish "$1" "$2" || fail "$1 ended with status $? (124: out of time)"; }

# has_socket NETNS TRANSPORT: does a process there hold the raw or UDP socket that SCTP uses?
has_socket() {
  case $2 in
    raw4) in_net "$1" grep -q ':0084 ' /proc/net/raw ;;
    raw6) in_net "$1" grep -q ':0084 ' /proc/net/raw6 ;;
    udp) in_net "$1" grep -q ':26AB ' /proc/net/udp /proc/net/udp6 ;;
  esac
}
# has_line NAME PATTERN: has the process written such a line to its stderr?
has_line() { grep -qs "$2" "$WORK/$1.err"; }

# --- files, captures ----------------------------------------------------------------------------------

# make_file PATH BYTES SEED: the same bytes for the same seed
make_file() {
  python3 -c 'import random, sys
open(sys.argv[1], "wb").write(random.Random(int(sys.argv[3])).randbytes(int(sys.argv[2])))' "$@"
}
same_file() { # same_file SENT RECEIVED: by SHA-256
  local sent got
  sent=$(sha256sum <"$1") got=$(sha256sum <"$2")
  [ "$sent" = "$got" ] || fail "the sums differ: $(stat -L -c %s "$1") bytes sent, $(stat -L -c %s "$2") received"
}
# pace FILE OUT BYTES MS: writes FILE to OUT, BYTES every MS milliseconds, so that a test can step in
pace() {
  python3 -c 'import sys, time
with open(sys.argv[1], "rb") as source, open(sys.argv[2], "wb", 0) as out:
    while piece := source.read(int(sys.argv[3])):
        out.write(piece)
        time.sleep(int(sys.argv[4]) / 1000)' "$@"
}

# endless SEED OUT COPY FLAG BYTES MS: so many random bytes in each so many milliseconds to OUT, and to COPY,
# until there is a file FLAG
endless() {
  python3 -c 'import os, random, sys, time
source = random.Random(int(sys.argv[1]))
with open(sys.argv[2], "wb", 0) as out, open(sys.argv[3], "wb") as copy:
    while not os.path.exists(sys.argv[4]):
        block = source.randbytes(int(sys.argv[5]))
        copy.write(block)
        out.write(block)
        time.sleep(int(sys.argv[6]) / 1000)' "$@"
}

# capture_start NAME NETNS DEVICE: everything SCTP, whole packets, to $WORK/NAME.pcap
capture_start() {
  need_tool tcpdump
  spawn "$1" in_net "$2" tcpdump -Z root -i "$3" -s 0 -B 65536 --immediate-mode -U -w "$WORK/$1.pcap" \
    'ip proto 132 or ip6 proto 132 or udp port 9899'
  wait_until 10 has_line "$1" 'listening on' || fail "tcpdump does not start"
}
capture_stop() { # capture_stop NAME
  local bytes=-1 i
  for ((i = 0; i < 20; i++)); do # until tcpdump has written what it has seen
    [ "$bytes" != "$(stat -c %s "$WORK/$1.pcap")" ] || break
    bytes=$(stat -c %s "$WORK/$1.pcap")
    sleep 0.25
  done
  kill -TERM "${PID[$1]}" # a background process of a script ignores SIGINT
  must_finish "$1" 20
  if ! grep -q '^0 packets dropped by kernel' "$WORK/$1.err"; then
    say "the capture lacks $(sed -n 's/ packets dropped by kernel//p' "$WORK/$1.err") packets (no fault of the sender's)"
  fi
}
# must_be_clean FILE...: tshark finds every checksum good and nothing malformed
must_be_clean() {
  local status=0
  "$REAL_DIR/tshark-check.sh" "$@" || status=$?
  [ $status != 77 ] || skip "what checks captures is not installed"
  [ $status = 0 ] || fail "tshark finds fault with $*"
}
