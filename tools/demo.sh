#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# tools/demo.sh               installs what is missing, builds, and shows a file crossing two hosts over
#                             raw SCTP on two paths, one of which is cut on the way; under a minute once built
# tools/demo.sh --build DIR   the same with the programs of a build directory; installs and builds nothing
#
# Two network namespaces are the hosts, two veth pairs the paths: IPv4 on the first, the primary, IPv6 on
# the second.  64 MiB cross in one association.  In the middle, with DATA outstanding, the primary path is
# black-holed at both far ends (as a broken link would: nobody is told), later repaired.  Then the packets
# themselves are asked, with tshark, and the file's SHA-256 on both sides.
# Exit status 0 only if the sums agree, both ends shut down gracefully, and the packets tell the same story.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tools/lib/common.sh
. tools/lib/common.sh
# shellcheck source=tools/lib/packages.sh
. tools/lib/packages.sh
# shellcheck source=tools/lib/netns.sh
. tools/lib/netns.sh

BUILD=build/demo
READY=
while [[ $# -gt 0 ]]; do
    case $1 in
    -h | --help)
        sed -n '4,13s/^# \{0,1\}//p' "$0"
        exit 0
        ;;
    --build)
        [[ $# -ge 2 ]] || die "--build wants a directory (--help tells)"
        [[ -x $2/tools/usctp-cat ]] || die "$2/tools/usctp-cat is not built"
        BUILD=$(realpath "$2")
        READY=1
        shift 2
        ;;
    *) die "unknown option $1 (--help tells)" ;;
    esac
done

export LC_ALL=C.UTF-8
can_be_root || die "not root and no sudo: network namespaces and raw sockets need one of them"

build() {
    local log
    install_packages "${PACKAGES_BUILD[@]}" "${PACKAGES_NETWORK[@]}"
    log=$(mktemp)
    [[ -x $BUILD/tools/usctp-cat ]] || say "building (once)"
    if ! { cmake --preset release -B "$BUILD" -Wno-dev -DUSCTP_BUILD_TESTS=OFF &&
        cmake --build "$BUILD" -j "$(nproc)"; } </dev/null >"$log" 2>&1; then
        grep -E -A12 'FAILED|[Ee]rror|warning' "$log" >&2 || tail -n 40 "$log" >&2
        rm -f "$log"
        die "the build failed"
    fi
    rm -f "$log"
}
[[ -n $READY ]] || build
is_root || exec sudo -- bash tools/demo.sh --build "$PWD/$BUILD"
own_root "$PWD/tools/demo.sh" --build "$(realpath "$BUILD")"
lacks=$(netns_lacks)
[[ -z $lacks ]] || die "the demo cannot run here: $lacks"

# --- the two hosts ------------------------------------------------------------------------------------

USCTP_BUILD=$(realpath "$BUILD")
TEST_LIMIT_S=120
# shellcheck source=tests/real/lib.sh
. tests/real/lib.sh

PORT=7777
MIB=64
RATE_MBIT=32 # of each path: the file takes 18 s, so that there is a middle
CAT=$USCTP_BUILD/tools/usctp-cat
OUT=$USCTP_BUILD/demo # what is left behind
RTO_MIN=100 RTO_INITIAL=200 RTO_MAX=1000 HEARTBEAT=300 SACK_DELAY=20
BUFFER_KIB=128 # the most that can be under way, 33 ms at this rate: the queue of the link stays short
SHOWER=
PRIMARY='' ALTERNATE='' START=''

# tell TEXT...: what the demo does, with the time that usctp-cat's lines have too
tell() {
    local now=${EPOCHREALTIME/./}
    printf '%8.3f  * %s\n' "$((now - ${START:-$now}))e-6" "$*"
}

# slow_down: each path is a link of $RATE_MBIT Mbit/s; where the kernel has no tbf, the file comes no faster
PACED=
slow_down() {
    local path
    for path in 0 1; do
        ip netns exec "$NET_A" tc qdisc add dev "p$path" root tbf rate ${RATE_MBIT}mbit burst 16kb \
            limit 4mb 2>/dev/null || PACED=1
    done
}

# feed: the file into the sender's stdin, as fast as it is read or at about the rate
feed() {
    local block=0
    exec >"$WORK/input.fifo"
    if [[ -z $PACED ]]; then exec cat "$WORK/sent.data"; fi
    while [[ $block -lt $((MIB * 16)) ]]; do
        dd if="$WORK/sent.data" bs=64k skip=$block count=1 status=none
        block=$((block + 1))
        sleep 0.014
    done
}

settings() {
    echo "On both hosts, timers lower than RFC 9260's, so that all fits into a minute:"
    echo "  RTO.Min $RTO_MIN ms (1 s)   RTO.Initial $RTO_INITIAL ms (1 s)   RTO.Max $RTO_MAX ms (60 s)"
    echo "  HB.interval $HEARTBEAT ms (30 s)   SACK delay $SACK_DELAY ms (200 ms; must stay below the peer's RTO.Min)"
    echo "  receive buffer $BUFFER_KIB KiB (1024 KiB), so that not all of the file is on its way at once"
}

# show: the sender's events, as they happen, until it has ended
show() {
    tail -n +1 -s 0.05 -f --pid="${PID[sender]}" "$WORK/sender.err" &
    SHOWER=$!
}

start() {
    local options=(-v --rto "$RTO_MIN,$RTO_INITIAL,$RTO_MAX" --heartbeat "$HEARTBEAT" --sack-delay "$SACK_DELAY"
        --set receive_buffer_bytes=$((BUFFER_KIB << 10)))
    spawn receiver in_net "$NET_B" "$CAT" "${options[@]}" -l "$PRIMARY,$ALTERNATE" $PORT \
        </dev/null >"$WORK/received.data"
    wait_until 10 has_line receiver listening || fail "the receiver does not start"
    mkfifo "$WORK/input.fifo"
    spawn feeder feed </dev/null
    START=${EPOCHREALTIME/./}
    spawn sender in_net "$NET_A" "$CAT" "${options[@]}" --pcap "$OUT/sender.pcap" \
        --bind "$(joined "${A_ADDR[@]}")" "$PRIMARY,$ALTERNATE" $PORT <"$WORK/input.fifo" >/dev/null
    show
}

has_arrived() { [[ $(stat -c %s "$WORK/received.data") -ge $1 ]]; }
received_mib() { echo $(($(stat -c %s "$WORK/received.data") >> 20)); }

# await SECONDS WHAT PATTERN: a line of the sender's about what happens after the line AFTER of its log
AFTER=0
await() {
    wait_until "$1" log_says "$3" || {
        is_gone sender && fail "the sender has ended early"
        fail "no sign of this: $2"
    }
    AFTER=$(wc -l <"$WORK/sender.err")
}
log_says() { tail -n +$((AFTER + 1)) "$WORK/sender.err" | grep -q "$1"; }

# --- the story ----------------------------------------------------------------------------------------

cut_and_repair() {
    local dropped
    wait_until 20 has_arrived $((MIB << 18)) || fail "a quarter of the file does not arrive"
    tell "$(received_mib) MiB have arrived. The primary path goes dark, with DATA outstanding on it"
    AFTER=$(wc -l <"$WORK/sender.err")
    path_cut 0 b
    path_cut 0 a
    await 10 "the failover to $ALTERNATE" "path $ALTERNATE: new data goes here"
    await 10 "$PRIMARY given up" "path $PRIMARY: .* -> inactive"
    dropped=$(($(cut_packets b) + $(cut_packets a)))
    tell "$dropped packets were lost in the dark. $(received_mib) MiB have arrived. The primary path is repaired"
    path_repair 0 a
    path_repair 0 b
    await 10 "the return to $PRIMARY" "path $PRIMARY: new data goes here"
    tell "$(received_mib) MiB have arrived. The rest follows"
}

end() {
    finish sender 40 || fail "the sender ended with status $?"
    wait "$SHOWER" 2>/dev/null || true
    finish feeder 5 || fail "the file was not read to its end"
    finish receiver 20 || fail "the receiver ended with status $?"
    has_line receiver 'shutdown complete' || fail "the receiver saw no graceful shutdown"
    tell "both ends have shut down gracefully"
}

# dissect: one line a packet: destination (IPv4 or IPv6), checksum status (1: good), malformed, TSNs of its
# DATA chunks.  Only what is in the capture is dissected: other protocols would take the file for theirs.
dissect() {
    mkdir -p "$WORK/wireshark"
    tshark -G protocols 2>/dev/null |
        awk -F '\t' '$3 !~ /^(frame|raw|ip|ipv6|sctp|_ws.*)$/ { print $3 }' >"$WORK/wireshark/disabled_protos"
    WIRESHARK_CONFIG_DIR=$WORK/wireshark timeout 100 tshark -n -r "$OUT/sender.pcap" -o 'sctp.checksum:CRC 32c' \
        -T fields -E occurrence=a -e ip.dst -e ipv6.dst -e sctp.checksum.status -e _ws.malformed \
        -e sctp.data_tsn_raw 2>"$WORK/tshark.err"
}

# count: "PACKETS BAD MOVED NEW-ON-ALTERNATE NEW-ON-PRIMARY-AFTER" from dissect's lines
count() {
    awk -F '\t' -v primary="$PRIMARY" -v alternate="$ALTERNATE" '
        { packets++; to = $1 != "" ? $1 : $2 }
        $3 != "1" || $4 != "" { bad++ }
        to == primary || to == alternate {
            n = split($5, tsns, ",")
            for (i = 1; i <= n; i++) {
                tsn = tsns[i]
                if (!(tsn in first)) {
                    first[tsn] = to
                    if (to == alternate) new_alternate++
                    else if (new_alternate) again++
                } else if (first[tsn] == primary && to == alternate && !(tsn in seen)) {
                    seen[tsn]; moved++
                }
            }
        }
        END { print packets + 0, bad + 0, moved + 0, new_alternate + 0, again + 0 }'
}

# examine: what the capture says; fails where it tells another story
examine() {
    local packets bad moved new_alternate again
    read -r packets bad moved new_alternate again < <(dissect | count)
    [[ ${packets:-0} -gt 0 ]] || fail "tshark reads no packet from the capture"
    echo "  $packets packets, $bad of them with a bad checksum or malformed"
    echo "  $moved TSNs were first sent on the primary and arrived over the alternate"
    echo "  $new_alternate new TSNs then went over the alternate, $again new ones over the primary after its return"
    [[ $bad = 0 ]] || fail "tshark finds fault with $bad packets"
    [[ $moved -gt 0 ]] || fail "nothing was retransmitted on the alternate"
    [[ $again -gt 0 ]] || fail "no new TSN was sent on the primary again"
}

sums() {
    local sent got
    sent=$(sha256sum <"$WORK/sent.data") got=$(sha256sum <"$WORK/received.data")
    echo "SHA-256 of the file"
    echo "  sent      ${sent%% *}"
    echo "  received  ${got%% *}"
    [[ $sent = "$got" ]] || fail "the sums differ"
}

net_make 4 6
slow_down
PRIMARY=${B_ADDR[0]} ALTERNATE=${B_ADDR[1]}
mkdir -p "$OUT"
head -c $((MIB << 20)) /dev/urandom >"$WORK/sent.data"
echo "$MIB MiB over one association between two hosts, raw IPPROTO_SCTP, $RATE_MBIT Mbit/s a path:"
echo "  primary    ${A_ADDR[0]} -> $PRIMARY"
echo "  alternate  ${A_ADDR[1]} -> $ALTERNATE"
settings
echo "What happens, in seconds (*: done by this script, the rest is the sender's view):"
start
cut_and_repair
end
cp "$WORK/receiver.err" "$OUT/receiver.log"
cp "$WORK/sender.err" "$OUT/sender.log"
echo "What the packets say (${OUT#"$PWD"/}/sender.pcap):"
examine
sums
echo "To look at them (all but DATA; the logs of both ends are beside the capture):"
echo "  tshark -r ${OUT#"$PWD"/}/sender.pcap -o 'sctp.checksum:CRC 32c' -Y 'not sctp.chunk_type == 0' | less"
echo "Done: nothing was lost."
