#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# usctp-run: programs made for the kernel's SCTP (run-probe.c, which uses every call that is put in
# place of another, and run-process.c, which starts others, closes what is open, and has streams) run
# over raw packets and over UDP, with the stock libsctp too, and under valgrind; --pcap, --set,
# --check; what cannot be preloaded is refused; the exit statuses of env(1).
# ctest-waits: mostly
# ctest-cost: 50
# shellcheck disable=SC2034 # read by lib.sh
TEST_LIMIT_S=280
. "$(dirname "$0")/lib.sh"

run=$(built tools/usctp-run)
need_peer run-probe
probe=$(built tests/real/run-probe)
process=$(built tests/real/run-process)
stock=$(ldconfig -p | sed -n 's/.*libsctp.so.1 .*=> //p' | head -n 1)
[ -n "$stock" ] || fail "no libsctp.so.1, and yet run-probe is linked with it"

# refused STATUS PATTERN COMMAND...: exit status, and one line on stderr that says so
refused() {
  local wanted=$1 pattern=$2 status=0
  shift 2
  timeout 30 "$@" </dev/null >"$WORK/out" 2>"$WORK/refused.err" || status=$?
  [ $status = "$wanted" ] || fail "$*: exit status $status, not $wanted: $(cat "$WORK/refused.err")"
  [ -z "$pattern" ] || grep -q -e "$pattern" "$WORK/refused.err" || fail "$*: not \"$pattern\" but: $(cat "$WORK/refused.err")"
}

refused 127 'no-such-program: No such file' "$run" no-such-program
refused 126 'Permission denied' "$run" /etc/passwd
refused 2 'no program is given' "$run"
refused 2 'no tunable is called' "$run" --set nonsense=1 true
refused 126 'cannot write the capture' "$run" --pcap /nowhere/x.pcap true
[ "$("$run" sh -c 'echo "$0 $1"; exit 3' a b; echo $?)" = "a b
3" ] || fail "arguments or exit status do not come through"

# As env(1), a script that does not say what it is for is the shell's
printf 'echo "script $1"; exit 4\n' >"$WORK/plain"
chmod +x "$WORK/plain"
[ "$("$run" "$WORK/plain" a; echo $?)" = "script a
4" ] || fail "a script without #! is not run by the shell"

# What nothing can be preloaded into
printf 'int main(void) { return 0; }\n' >"$WORK/empty.c"
"${CC:-cc}" -static -o "$WORK/static" "$WORK/empty.c"
"${CC:-cc}" -o "$WORK/setuid" "$WORK/empty.c"
printf '__attribute__((section(".note.go.buildid"), used)) static const char id[] = "x";\nint main(void) { return 0; }\n' \
  >"$WORK/go.c"
"${CC:-cc}" -o "$WORK/go" "$WORK/go.c"
printf '#!%s\n' "$WORK/static" >"$WORK/script"
chmod +x "$WORK/script"
refused 126 'statically linked' "$run" "$WORK/static"
refused 126 'statically linked' "$run" "$WORK/script"
refused 126 'Go program' "$run" "$WORK/go"
"$run" "$WORK/setuid" || fail "a plain program is refused"
refused 1 '' "$run" --check "$WORK/static"
grep -q '^program: *no: .*statically linked' "$WORK/out" || fail "--check says: $(cat "$WORK/out")"

need_root
if [ "$(id -u)" = 0 ]; then
  chown nobody "$WORK/setuid"
  chmod u+s "$WORK/setuid"
  refused 126 'setuid' "$run" "$WORK/setuid"
fi

# The whole probe: raw, UDP, and again with the stock libsctp's functions over our options
net_make 4
for way in raw udp; do
  options=(--pcap "$WORK/$way.pcap")
  [ $way = raw ] || options+=(--udp)
  in_net "$NET_A" timeout 100 "$run" "${options[@]}" "$probe" "$stock" >"$WORK/$way.out" 2>"$WORK/$way.err" </dev/null ||
    fail "run-probe over $way: $(cat "$WORK/$way.out" "$WORK/$way.err")"
  grep -q '^0 failures' "$WORK/$way.out" || fail "run-probe over $way: $(cat "$WORK/$way.out")"
  [ "$(grep -c ' ok$' "$WORK/$way.out")" -ge 19 ] || fail "run-probe over $way: too few checks"
  must_be_clean "$WORK/$way.pcap"
  say "run-probe over $way: $(grep -c ' ok$' "$WORK/$way.out") groups of checks"
  in_net "$NET_A" timeout 100 "$run" "${options[@]}" "$process" >"$WORK/$way.out" 2>&1 </dev/null ||
    fail "run-process over $way: $(cat "$WORK/$way.out")"
  grep -q '^0 failures' "$WORK/$way.out" || fail "run-process over $way: $(cat "$WORK/$way.out")"
  say "run-process over $way: $(grep -c ' ok$' "$WORK/$way.out") groups of checks"
done
ls "$WORK"/raw.pcap.* >/dev/null 2>&1 || fail "the forked child with sockets of its own wrote no capture"

# --check where all is there; --set reaches the stack
in_net "$NET_A" "$run" --check "$probe" >"$WORK/check.out" || fail "--check: $(cat "$WORK/check.out")"
for line in 'kernel SCTP: *no' 'CAP_NET_RAW: *yes' 'raw sockets: *yes' 'UDP: *yes' "program: *yes: $probe"; do
  grep -q "^$line" "$WORK/check.out" || fail "--check does not say \"$line\": $(cat "$WORK/check.out")"
done
need_tool python3 setpriv
in_net "$NET_A" "$run" --set rto_min_us=123000 --heartbeat 7000 --streams 5 python3 -c '
import socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 132)
rto = struct.unpack("iIII", s.getsockopt(132, 0, 16))
init = struct.unpack("HHHH", s.getsockopt(132, 2, 8))
assert rto[3] == 123, rto
assert init[0] == 5, init
' || fail "--set does not reach the stack"

# Without the capability: the library's sentence and EPERM; UDP works
in_net "$NET_A" setpriv --inh-caps -net_raw --bounding-set -net_raw "$run" python3 -c '
import errno, socket, sys
for family in socket.AF_INET, socket.AF_INET6:
    for style in socket.SOCK_STREAM, socket.SOCK_SEQPACKET:
        try:
            socket.socket(family, style, 132)
            sys.exit("raw SCTP works without CAP_NET_RAW")
        except OSError as error:
            assert error.errno == errno.EPERM, error
' 2>"$WORK/refused.err" || fail "without CAP_NET_RAW: $(cat "$WORK/refused.err")"
grep -q 'CAP_NET_RAW' "$WORK/refused.err" || fail "without CAP_NET_RAW: $(cat "$WORK/refused.err")"
in_net "$NET_A" setpriv --inh-caps -net_raw --bounding-set -net_raw timeout 100 "$run" --udp "$probe" >"$WORK/out" 2>&1 ||
  fail "UDP without CAP_NET_RAW: $(cat "$WORK/out")"
in_net "$NET_A" setpriv --inh-caps -net_raw --bounding-set -net_raw "$run" --check >"$WORK/check.out" && fail "--check sees no fault"
grep -q '^CAP_NET_RAW: *no' "$WORK/check.out" || fail "--check: $(cat "$WORK/check.out")"

if command -v valgrind >/dev/null; then
  in_net "$NET_A" timeout 150 valgrind --quiet --error-exitcode=9 --trace-children=no \
    "$run" --version >/dev/null || fail "valgrind finds fault with usctp-run"
  library=$USCTP_BUILD/libusctp-preload.so
  in_net "$NET_A" env LD_PRELOAD="$library" timeout 150 valgrind --quiet --error-exitcode=9 \
    --soname-synonyms=somalloc=nouserintercepts "$probe" >"$WORK/valgrind.out" 2>"$WORK/valgrind.err" ||
    fail "under valgrind: $(cat "$WORK/valgrind.out" "$WORK/valgrind.err")"
  say "run-probe under valgrind: nothing found"
fi
