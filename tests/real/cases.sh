# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
#
# The tests over a real network, one function each; the test_*.sh files name the case and its arguments.
#
# A side of a transfer is a kind of program: usctp (usctp-cat), usrsctp (peer-usrsctp) or kernel
# (peer-kernel in the guest, always side B).  A transport is raw4, raw6 or udp.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

PORT=5001
MIB=$((1024 * 1024))
FILE_MIB=64 # what crosses
# Timers for the two-path tests, low on both sides: a path is given up in a second or two.  An RTO.Min
# below 250 ms wants a SACK delay below it at the other end (RFC 9260 6.2 allows up to 500 ms).
RTO_MIN=100 RTO_INITIAL=200 RTO_MAX=1000 SACK_DELAY=50 HEARTBEAT=500 PATH_MAX_RETRANS=2

# peer_options TRANSPORT TIMERS: for peer-usrsctp and peer-kernel
peer_options() {
  [ "$1" != udp ] || printf ' --udp 9899,9899'
  [ "$2" != low ] || printf ' %s' --rto-min $RTO_MIN --rto-initial $RTO_INITIAL --rto-max $RTO_MAX \
    --sack-delay $SACK_DELAY --heartbeat $HEARTBEAT --pathmaxrxt $PATH_MAX_RETRANS
}
# cat_options TRANSPORT TIMERS: for usctp-cat
cat_options() {
  printf ' -v'
  [ "$1" != udp ] || printf ' --udp'
  [ "$2" != low ] || printf ' %s' --rto $RTO_MIN,$RTO_INITIAL,$RTO_MAX --sack-delay $SACK_DELAY --heartbeat $HEARTBEAT
}

# need_kind KIND
need_kind() {
  case $1 in
    usctp) built tools/usctp-cat >/dev/null ;;
    *) need_peer "peer-$1" ;;
  esac
}

# start_receiver KIND SIDE ADDRESSES TRANSPORT TIMERS: as process "receiver", writing $WORK/received.got
start_receiver() {
  local ns binary options
  ns=$(side_net "$2")
  case $1 in
    usctp)
      binary=$(built tools/usctp-cat) options=$(cat_options "$4" "$5")
      # shellcheck disable=SC2086
      spawn receiver in_net "$ns" "$binary" $options -l "$3" $PORT </dev/null >"$WORK/received.got"
      wait_until 10 has_line receiver 'listening on port' || fail "the receiver does not listen" ;;
    usrsctp)
      binary=$(built tests/real/peer-usrsctp) options=$(peer_options "$4" "$5")
      # shellcheck disable=SC2086
      spawn receiver in_net "$ns" "$binary" recv $options --bind "$3" --port $PORT >"$WORK/received.got"
      wait_until 10 has_line receiver listening || fail "the receiver does not listen" ;;
    kernel)
      binary=$(built tests/real/peer-kernel) options=$(peer_options "$4" "$5")
      ln -sf "$GUEST_DIR/received.got" "$WORK/received.got"
      spawn receiver guest "exec $binary recv $options --bind $3 --port $PORT --file $GUEST_DIR/received.got" \
        >"$WORK/guest.err"
      wait_until 10 guest "grep -q ' $PORT ' /proc/net/sctp/eps" || fail "the receiver does not listen" ;;
  esac
}

# start_sender KIND SIDE ADDRESSES PEER-ADDRESSES TRANSPORT TIMERS INPUT: as process "sender"
start_sender() {
  local ns binary options
  ns=$(side_net "$2")
  case $1 in
    usctp)
      binary=$(built tools/usctp-cat) options=$(cat_options "$5" "$6")
      # shellcheck disable=SC2086
      spawn sender in_net "$ns" "$binary" $options --bind "$3" "$4" $PORT <"$7" >"$WORK/sender.out" ;;
    usrsctp)
      binary=$(built tests/real/peer-usrsctp) options=$(peer_options "$5" "$6")
      # shellcheck disable=SC2086
      spawn sender in_net "$ns" "$binary" send $options --bind "$3" --connect "$4" --port $PORT <"$7" ;;
    kernel)
      binary=$(built tests/real/peer-kernel) options=$(peer_options "$5" "$6")
      # Its network card drops what its SCTP hands it as one (GSO) for UDP
      [ "$5" != udp ] || guest "ip link set vec0 gso_max_size 1500" || fail "the guest's packets cannot be kept apart"
      # From inside the guest a pipe of the host's cannot be opened, so a paced input is paced there
      spawn sender guest "$(guest_input "$7") $binary send $options --bind $3 --connect $4 --port $PORT" \
        >"$WORK/guest.err" ;;
  esac
}
guest_input() { # guest_input INPUT: a shell prefix that feeds it in the guest
  case $1 in
    *.fifo) echo "$(declare -f pace); pace ${1%.fifo}.data /proc/self/fd/1 $PACE |" ;;
    *) echo "<$1" ;;
  esac
}

# path_of TRANSPORT: the first path of its address family
path_of() {
  local i
  for i in "${!A_ADDR[@]}"; do
    case ${A_ADDR[$i]}/$1 in *:*/raw6 | *.*/raw4 | *.*/udp) echo "$i"; return ;; esac
  done
  fail "no path for $1"
}

# transfer SENDER RECEIVER TRANSPORT MIB: one file, from side A to B or, when the sender is the kernel,
# from B to A; sums agree, both ends exit 0.
transfer() {
  local from=a to=b path sender receiver start=$SECONDS
  path=$(path_of "$3")
  sender=${A_ADDR[$path]} receiver=${B_ADDR[$path]}
  [ "$1" != kernel ] || { from=b to=a sender=${B_ADDR[$path]} receiver=${A_ADDR[$path]}; }
  make_file "$WORK/sent.data" $(($4 * MIB)) 1
  rm -f "$WORK/received.got"
  start_receiver "$2" $to "$receiver" "$3" default
  start_sender "$1" $from "$sender" "$receiver" "$3" default "$WORK/sent.data"
  must_finish sender 120
  must_finish receiver 30
  same_file "$WORK/sent.data" "$WORK/received.got"
  say "$1 -> $2, $3: $4 MiB, sums agree, in $((SECONDS - start)) s"
}

# need_net PEER FAMILY...: the network to meet that peer in
need_net() {
  local peer=$1
  shift
  case $peer in
    kernel) net_make_kernel "$@" ;;
    *) net_make "$@" ;;
  esac
}

# case_peer PEER OTHER TRANSPORT...: the two in both roles
case_peer() {
  local peer=$1 other=$2 transport
  shift 2
  need_kind "$other"; need_kind "$peer"
  need_net "$peer" 4 6
  for transport in "$@"; do
    transfer "$other" "$peer" "$transport" $FILE_MIB
    [ "$other" = "$peer" ] || transfer "$peer" "$other" "$transport" $FILE_MIB
  done
}

# case_path_cut PEER OTHER FAMILY FAMILY: the two in both roles, over two paths, of which the first is cut
# while the file is crossing; sums agree.
case_path_cut() {
  need_kind "$2"; need_kind "$1"
  need_net "$1" "$3" "$4"
  path_cut_transfer "$2" "$1"
  [ "$2" = "$1" ] || path_cut_transfer "$1" "$2"
}

PACE="65536 5" # bytes and ms: 13 MB/s, so that there is a middle to cut in

# path_cut_transfer SENDER RECEIVER
path_cut_transfer() {
  local from=a side=b sender receiver bytes=$((FILE_MIB * MIB)) before carried lost start=$SECONDS
  sender=$(joined "${A_ADDR[@]}") receiver=$(joined "${B_ADDR[@]}")
  [ "$1" != kernel ] || { from=b side=a sender=$(joined "${B_ADDR[@]}") receiver=$(joined "${A_ADDR[@]}"); }
  make_file "$WORK/paced.data" $bytes 2
  rm -f "$WORK/received.got" "$WORK/paced.fifo"
  mkfifo "$WORK/paced.fifo"
  start_receiver "$2" $side "$receiver" raw4 low
  if [ "$1" != kernel ]; then
    # shellcheck disable=SC2086
    spawn feeder pace "$WORK/paced.data" "$WORK/paced.fifo" $PACE
  fi
  before=$(cut_packets $side) carried=$(carried 0 $side)
  start_sender "$1" $from "$sender" "$receiver" raw4 low "$WORK/paced.fifo"
  wait_until 60 has_carried 0 $side $((carried + bytes / 4)) || fail "the first path carries no quarter of the file"
  path_cut 0 $side
  must_finish sender 120
  must_finish receiver 30
  path_repair 0 $side
  [ "$1" = kernel ] || must_finish feeder 5
  lost=$(($(cut_packets $side) - before))
  [ "$lost" -gt 0 ] || fail "the cut path had nothing to lose"
  same_file "$WORK/paced.data" "$WORK/received.got"
  say "$1 -> $2, paths $sender: the first cut, $lost packets lost on it, sums agree, in $((SECONDS - start)) s"
}

# disturbed_transfer WHAT FIRST SECOND: usctp from side A to B over two paths; the script's function "fault" hits
# the first in the middle, "repair" ends that; gone on by the second, back on the first, nothing lost.
disturbed_transfer() {
  local what=$1 first=$2 second=$3 start=$SECONDS carried
  make_file "$WORK/paced.data" $((20 * MIB)) 6
  rm -f "$WORK/received.got" "$WORK/paced.fifo"
  mkfifo "$WORK/paced.fifo"
  start_receiver usctp b "${B_ADDR[$first]},${B_ADDR[$second]}" raw4 low
  spawn feeder pace "$WORK/paced.data" "$WORK/paced.fifo" 32768 10
  carried=$(carried "$first" b)
  start_sender usctp a "${A_ADDR[$first]},${A_ADDR[$second]}" "${B_ADDR[$first]},${B_ADDR[$second]}" raw4 low \
    "$WORK/paced.fifo"
  wait_until 20 has_carried "$first" b $((carried + 2 * MIB)) || fail "$what: the first path is not used"
  fault
  carried=$(carried "$second" b)
  wait_until 20 has_carried "$second" b $((carried + MIB)) || fail "$what: the second path is not used"
  repair
  carried=$(carried "$first" b)
  wait_until 20 has_carried "$first" b $((carried + MIB)) || fail "$what: the first path is not used again"
  must_finish sender 40
  must_finish receiver 20
  must_finish feeder 5
  same_file "$WORK/paced.data" "$WORK/received.got"
  say "$what: gone on by path $second, back on path $first, sums agree, in $((SECONDS - start)) s"
}

# case_cat TRANSPORT: 64 MiB through usctp-cat, one way and then both ways at once; captures clean
case_cat() {
  local transport=$1 binary options way input
  binary=$(built tools/usctp-cat)
  options=$(cat_options "$transport" default)
  net_make "$([ "$transport" = raw6 ] && echo 6 || echo 4)"
  make_file "$WORK/client.data" $((64 * MIB)) 3
  make_file "$WORK/listener.data" $((64 * MIB)) 4
  for way in one-way both-ways; do
    if [ $way = both-ways ]; then options+=' --both' input=$WORK/listener.data; else input=/dev/null; fi
    # shellcheck disable=SC2086
    spawn listener in_net "$NET_B" "$binary" $options --pcap "$WORK/$way.pcap" -l "${B_ADDR[0]}" $PORT \
      <"$input" >"$WORK/listener.got"
    wait_until 10 has_line listener 'listening on port' || fail "the listener does not listen"
    # shellcheck disable=SC2086
    spawn client in_net "$NET_A" "$binary" $options "${B_ADDR[0]}" $PORT \
      <"$WORK/client.data" >"$WORK/client.got"
    must_finish client 100
    must_finish listener 30
    same_file "$WORK/client.data" "$WORK/listener.got"
    same_file "$input" "$WORK/client.got"
    must_be_clean "$WORK/$way.pcap"
    say "$transport, $way: 64 MiB, sums agree"
  done
}

# without_raw COMMAND...: as an ordinary user who has no capability, in NET_A
without_raw() {
  in_net "$NET_A" setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set -net_raw "$@"
}

# case_no_privilege: without CAP_NET_RAW usctp-cat says so in one line, and works with --udp
case_no_privilege() {
  local binary status=0
  need_tool setpriv
  binary=$(built tools/usctp-cat)
  net_make 4
  # A copy, since the build tree may be where an ordinary user cannot read
  mkdir -m 755 "$WORK/bin"
  install -m 755 "$binary" "$WORK/bin/usctp-cat"
  ldd "$binary" | sed -n "s|.*=> \\($USCTP_BUILD/[^ ]*\\) .*|\\1|p" | xargs -r install -m 755 -t "$WORK/bin"
  local run="env LD_LIBRARY_PATH=$WORK/bin $WORK/bin/usctp-cat"
  # shellcheck disable=SC2086
  without_raw timeout 20 $run "${B_ADDR[0]}" $PORT </dev/null >"$WORK/refused.out" 2>"$WORK/refused.err" || status=$?
  { [ $status != 0 ] && [ $status -lt 124 ]; } || fail "without CAP_NET_RAW the exit status is $status"
  [ "$(wc -l <"$WORK/refused.err")" = 1 ] || fail "not one line: $(cat "$WORK/refused.err")"
  grep CAP_NET_RAW "$WORK/refused.err" | grep -q -e --udp || fail "unclear: $(cat "$WORK/refused.err")"
  say "refused: $(cat "$WORK/refused.err")"
  make_file "$WORK/sent.data" $MIB 5
  spawn receiver in_net "$NET_B" "$binary" -v --udp -l "${B_ADDR[0]}" $PORT </dev/null >"$WORK/received.got"
  wait_until 10 has_line receiver 'listening on port' || fail "the receiver does not listen"
  # shellcheck disable=SC2086
  spawn sender without_raw $run --udp "${B_ADDR[0]}" $PORT <"$WORK/sent.data" >"$WORK/sender.out"
  must_finish sender 60
  must_finish receiver 30
  same_file "$WORK/sent.data" "$WORK/received.got"
  say "with --udp: 1 MiB, sums agree"
}
