#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# usctp on a host whose kernel has SCTP of its own (the kernel peer's guest): a raw stack is refused with a
# sentence that says what to do, and what it says, UDP encapsulation, works.
. "$(dirname "$0")/lib.sh"

PORT=5001
cat=$(built tools/usctp-cat)
beside=$(built tests/real/beside-kernel)
need_tool tcpdump
net_make_kernel 4
make_file "$WORK/sent.data" $((1024 * 1024)) 3
ln -sf "$GUEST_DIR/received.got" "$WORK/received.got"

status=0
guest "$cat -l $PORT </dev/null" >"$WORK/refused.out" 2>&1 || status=$?
[ $status != 0 ] || fail "usctp-cat listens where the kernel has SCTP"
[ "$(wc -l <"$WORK/refused.out")" = 1 ] || fail "not one line: $(cat "$WORK/refused.out")"
for word in kernel --udp 'rmmod sctp'; do
  grep -q -e "$word" "$WORK/refused.out" || fail "no \"$word\" in: $(cat "$WORK/refused.out")"
done
say "refused: $(cat "$WORK/refused.out")"

# What would happen otherwise is shown, not demanded: the guest's kernel aborts what it does not know
spawn listener in_net "$NET_A" "$cat" -v -l "${A_ADDR[0]}" $PORT </dev/null >"$WORK/listener.out"
wait_until 10 has_line listener 'listening on port' || fail "the listener does not start"
capture_start aborted "$NET_A" p0
guest "$beside ${A_ADDR[0]} $PORT" >"$WORK/beside.out" 2>&1 || fail "the guest's stack: $(cat "$WORK/beside.out")"
capture_stop aborted
say "all the same: $(tail -n 1 "$WORK/beside.out")"
say "aborts seen: $(tcpdump -nr "$WORK/aborted.pcap" 2>/dev/null | grep -c ABORT || true)"
kill -TERM "${PID[listener]}" 2>/dev/null || true; finish listener 10 || true

spawn receiver guest "exec $cat -v --udp -l $PORT </dev/null >$GUEST_DIR/received.got 2>$GUEST_DIR/receiver.err"
wait_until 20 guest "grep -q 'listening on port' $GUEST_DIR/receiver.err" || fail "no listener over UDP in the guest"
in_net "$NET_A" timeout 60 "$cat" --udp "${B_ADDR[0]}" $PORT <"$WORK/sent.data" >/dev/null 2>"$WORK/sender.err" ||
  fail "over UDP: exit status $?"
must_finish receiver 30
same_file "$WORK/sent.data" "$WORK/received.got"
say "over UDP: 1 MiB, sums agree"
