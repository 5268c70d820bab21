#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# --stats[=json] of usctp-cat and usctp-perf: the counters of RFC 3873 by name, on stderr at the end, the
# same on both sides of a transfer, and stdout untouched.
# shellcheck disable=SC2034 # read by lib.sh
TEST_LIMIT_S=60
. "$(dirname "$0")/lib.sh"

cat=$(built tools/usctp-cat)
perf=$(built tools/usctp-perf)
status=0
"$cat" --stats=xml 127.0.0.1 7 </dev/null 2>"$WORK/usage" || status=$?
[ $status = 2 ] || fail "--stats=xml: exit status $status"
grep -q 'json or nothing' "$WORK/usage" || fail "--stats=xml: $(cat "$WORK/usage")"

net_make 4
make_file "$WORK/sent.data" 300000 7
spawn listener in_net "$NET_B" "$cat" -l --stats=json 7 </dev/null >"$WORK/got.got"
wait_until 5 has_socket "$NET_B" raw4 || fail "usctp-cat -l opens no socket"
sleep 0.3
spawn sender in_net "$NET_A" "$cat" --stats=json --message 3000 "${B_ADDR[0]}" 7 <"$WORK/sent.data"
must_finish sender 20
must_finish listener 20
same_file "$WORK/sent.data" "$WORK/got.got"
python3 - "$WORK/sender.err" "$WORK/listener.err" <<'END' || fail "the counters are not as they should be"
import json, sys
sender, listener = (json.loads(open(path).read().splitlines()[-1]) for path in sys.argv[1:])
out, into = sender["stack"], listener["stack"]
def same(what, seen, wanted):
    if seen != wanted:
        sys.exit(f"{what} is {seen}, not {wanted}")
same("sctpActiveEstabs", out["sctpActiveEstabs"], 1)
same("sctpPassiveEstabs", into["sctpPassiveEstabs"], 1)
for stack in out, into:
    same("sctpShutdowns", stack["sctpShutdowns"], 1)
    same("sctpAborteds", stack["sctpAborteds"], 0)
    same("sctpCurrEstab", stack["sctpCurrEstab"], 0)
    same("sctpChecksumErrors", stack["sctpChecksumErrors"], 0)
same("sctpFragUsrMsgs", out["sctpFragUsrMsgs"], 100)  # 3000 bytes do not fit 1452
same("sctpReasmUsrMsgs", into["sctpReasmUsrMsgs"], 100)
same("sctpInOrderChunks", into["sctpInOrderChunks"], out["sctpOutOrderChunks"])
same("bytes_in", listener["association"]["bytes_in"], 300000)
same("bytes_out", sender["association"]["bytes_out"], 300000)
same("sctpAssocRemPort", sender["association"]["sctpAssocRemPort"], 7)
same("sctpAssocLocalPort", listener["association"]["sctpAssocLocalPort"], 7)
same("a path's address", sender["association"]["paths"][0]["sctpAssocRemAddr"], "10.77.0.2")
same("sctpAssocRemAddrMaxPathRtx", sender["association"]["paths"][0]["sctpAssocRemAddrMaxPathRtx"], 5)
END

spawn server in_net "$NET_B" "$perf" -s --one --stats >"$WORK/server.out"
wait_until 5 has_socket "$NET_B" raw4 || fail "usctp-perf -s opens no socket"
sleep 0.3
spawn client in_net "$NET_A" "$perf" -c "${B_ADDR[0]}" -t 1 --json --stats >"$WORK/client.out"
must_finish client 20
must_finish server 20
[ "$(wc -l <"$WORK/client.out")" = 1 ] || fail "usctp-perf --json prints more than its result"
for side in client server; do
  for name in sctpCurrEstab sctpInSCTPPacks sctpAssocRtxChunks sctpAssocRemAddrRTO; do
    grep -q "^  $name  *[0-9]" "$WORK/$side.err" || fail "$side: no $name: $(cat "$WORK/$side.err")"
  done
  grep -q '^  sctpShutdowns  *1 ' "$WORK/$side.err" || fail "$side: $(cat "$WORK/$side.err")"
done
say "the counters of both sides agree"
