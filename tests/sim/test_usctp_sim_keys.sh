#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Each key of a scenario has the effect that its law says, measured from outside.
# ctest-timeout: 400
set -euo pipefail
. "$(dirname "$0")/usctp_sim_lib.sh"

# What a says once in a while on an empty link, without Nagle's rule: its latency is the link's.
sparse=(--traffic "rate 16kbit, size 1000, start 10s" --set nodelay=1)
# Enough packets for shares to show.
many="rate 4Mbit, size 500"

# ---- links ----

play a.goodput_bits_per_s,paths.0.a.queue_drops \
    --path "rate 5Mbit, delay 10ms" --seconds 20
read -r goodput drops <<<"$values"
between "goodput over 5 Mbit/s" "$goodput" 4500000 5000000
between "drops of a full queue" "$drops" 1 100000

# 1000 bytes and headers are serialised in less than 1 ms at 10 Mbit/s.
for delay in 5 50 400; do
    play a.latency_mean_us,a.latency_max_us --path "delay ${delay}ms" \
        "${sparse[@]}" --seconds 60
    read -r mean max <<<"$values"
    between "mean latency over $delay ms" "$mean" $((delay * 1000)) $((delay * 1000 + 1000))
    between "largest latency over $delay ms" "$max" $((delay * 1000)) $((delay * 1000 + 1000))
done
# One way only: what b sends is as quick as before.
play a.latency_mean_us --path "delay a 10ms, delay b 300ms" \
    "${sparse[@]}" --seconds 60
read -r mean <<<"$values"
between "mean latency with slow answers" "$mean" 10000 11000

# Uniform from 0 to the jitter.
play a.latency_mean_us,a.latency_max_us --path "delay 20ms, jitter 40ms" \
    "${sparse[@]}" --seconds 200
read -r mean max <<<"$values"
between "mean latency with jitter" "$mean" 35000 46000
between "largest latency with jitter" "$max" 50000 61000

quick=(--set rto_min_us=50ms --set sack_delay_us=20ms)
share() { # NAME LOW HIGH PATH-KEYS: share of a's packets in tenths of a percent
    local offered count
    play "paths.0.a.offered,paths.0.a.$1" --path "rate 20Mbit, $4" \
        --traffic "$many" "${quick[@]}" --seconds 60
    read -r offered count <<<"$values"
    between "packets for $4" "$offered" 10000 1000000
    between "tenths of a percent $1 with $4" $((count * 1000 / offered)) "$2" "$3"
}
share lost 0 0 "loss 0"
share lost 40 60 "loss 5%"
share lost 40 60 "loss a 0.05"
share lost 0 0 "loss b 5%"
share lost 38 58 "burst 1% 20%" # of the two-state model: 1 / (1 + 20)
share duplicated 85 115 "duplicate 10%"
share corrupted 40 60 "corrupt 5%"
share reordered 85 115 "reorder 10% 30ms"

# Bursts lose packets in a row: fewer events than losses at random.
play a.gap_us --path "loss 3.2%, delay 10ms" --traffic "$many" "${quick[@]}" --seconds 60
read -r random <<<"$values"
play a.gap_us --path "burst 1% 30%, delay 10ms" --traffic "$many" "${quick[@]}" \
    --seconds 60
read -r bursts <<<"$values"
between "gap with bursts, against one with random loss of $random us" "$bursts" $((random + 1)) 100000000
play b.duplicate_tsns --path "duplicate a 10%" --traffic "$many" --seconds 20
read -r duplicates <<<"$values"
between "duplicate TSNs" "$duplicates" 1 100000

play paths.0.a.queue_drops --path "rate 5Mbit, queue 10" --seconds 10
read -r few <<<"$values"
play paths.0.a.queue_drops --path "rate 5Mbit, queue 100000" --seconds 10
read -r none <<<"$values"
between "drops of a queue of 10" "$few" 1 100000
between "drops of an endless queue" "$none" 0 0

# A smaller MTU on the way: some packets are too big until the router's word is heard.
play paths.0.a.too_big --path "mtu a 1000, interface 1500" --traffic "size 5000" \
    --seconds 10
read -r too_big <<<"$values"
between "packets that are too big" "$too_big" 1 100
play paths.0.a.too_big --path "mtu 1000" --traffic "size 5000" --seconds 10
read -r too_big <<<"$values"
between "packets too big for a known MTU" "$too_big" 0 0

# Cut for two seconds: nothing arrives for as long, and later something does.
play a.gap_us,paths.0.a.cut,a.bytes_delivered --path "cut a 4s 6s" --seconds 20
read -r gap cut bytes <<<"$values"
between "gap of a path cut for 2 s" "$gap" 2000000 5000000
between "packets cut" "$cut" 1 100000
between "bytes in spite of it" "$bytes" 10000000 30000000
play paths.0.a.cut,paths.0.b.cut --path "cut b 4s 4.5s" --seconds 10
read -r cut_a cut_b <<<"$values"
between "packets of a, with b's cut" "$cut_a" 0 0
between "packets of b cut" "$cut_b" 1 100000

# Later changes
"$sim" -q --path "rate 8Mbit, delay 10ms, at 10s rate 1Mbit" --scenario "interval 1s" --seconds 20 \
    --series "$work/x.csv"
awk -F, 'NR > 1 && $3 == "a" { if ($1 > 3 && $1 <= 10 && $11 < 6500000 || $1 > 13 && $11 > 1000000) bad = $0 }
    END { if (bad != "") { print bad; exit 1 } }' "$work/x.csv" || fail "the rate does not change at 10 s"
[[ $(grep -c ',a,0,' "$work/x.csv") -ge 20 ]] || fail "no sample each second"
"$sim" -q --path "" --scenario "interval 100ms" --seconds 20 --series "$work/y.csv"
[[ $(grep -c ',a,0,' "$work/y.csv") -ge 200 ]] || fail "no ten samples a second"

# ---- traffic ----

play a.messages_delivered,a.bytes_delivered --traffic "size 700, total 70kB"
read -r messages bytes <<<"$values"
[[ $messages == 100 && $bytes == 70000 ]] || fail "70 kB of 700 bytes: $messages messages, $bytes bytes"
play a.messages_delivered,a.bytes_delivered \
    --traffic "size 100 300, total 200kB"
read -r messages bytes <<<"$values"
[[ $bytes == 200000 ]] || fail "200 kB: $bytes bytes"
between "messages of 100 to 300 bytes" "$messages" 950 1050
play b.bytes_delivered --traffic "from b, rate 1Mbit" --seconds 20
read -r bytes <<<"$values"
between "bytes of b at 1 Mbit/s in 20 s" "$bytes" 2490000 2510000
play a.bytes_delivered --traffic "rate 1Mbit, start 5s, stop 15s" --seconds 20
read -r bytes <<<"$values"
between "bytes at 1 Mbit/s from 5 s to 15 s" "$bytes" 1245000 1255000

# Streams and unordered messages pass a lost one; one ordered stream does not.
play a.latency_mean_us --path "loss 3%, delay 50ms" --traffic "$many" --seconds 30
read -r one <<<"$values"
play a.latency_mean_us --path "loss 3%, delay 50ms" --traffic "$many, streams 10" \
    --seconds 30
read -r ten <<<"$values"
play a.latency_mean_us --path "loss 3%, delay 50ms" \
    --traffic "$many, unordered 100%" --seconds 30
read -r unordered <<<"$values"
between "mean latency of ten streams, against $one us of one" "$ten" 50000 $((one - 1000))
between "mean latency unordered, against $ten us" "$unordered" 50000 "$ten"

# ---- the whole, and hosts ----

play associations.opened,associations.established,associations.established_last_us \
        --scenario "associations 10, spread 5s" --traffic "total 10kB"
read -r opened established last <<<"$values"
[[ $opened == 10 && $established == 10 ]] || fail "$established of $opened associations"
between "the last association's establishment" "$last" 4500000 4700000
play virtual_us --scenario "duration 7s" --traffic "total 10kB"
read -r us <<<"$values"
between "a duration of 7 s" "$us" 7000000 7500000

# One receive buffer a round trip at most.
play a.goodput_bits_per_s --path "delay 50ms" --set b:receive_buffer_bytes=8KiB \
    --seconds 20
read -r goodput <<<"$values"
between "goodput of 8 KiB a 100 ms" "$goodput" 200000 660000
play a.goodput_bits_per_s --path "delay 50ms" --set a:receive_buffer_bytes=8KiB \
    --seconds 20
read -r goodput <<<"$values"
between "goodput with a small buffer on the other side" "$goodput" 8000000 10000000

# A user who reads slowly holds the sender to his rate; one on the other side does not.
play a.goodput_bits_per_s,a.t3_expiries --path "rate 100Mbit, queue 1000" \
    --traffic "total 3MB" --set b:read=100kB
read -r goodput expiries <<<"$values"
between "goodput to a reader of 100 kB/s" "$goodput" 790000 810000
between "T3 expiries, nothing being lost" "$expiries" 0 0
play a.goodput_bits_per_s --path "rate 100Mbit, queue 1000" --traffic "total 3MB" \
    --scenario "duration 1s" --set a:read=100kB
read -r goodput <<<"$values"
between "goodput with a slow reader on the other side" "$goodput" 8000000 100000000

play paths.0.address_a,paths.0.address_b --path "address a fd00::1, address b fd00::2" \
    --traffic "total 1kB"
read -r a b <<<"$values"
[[ $a == fd00::1 && $b == fd00::2 ]] || fail "addresses $a and $b"
