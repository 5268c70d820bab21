#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# tshark-check.sh [--udp PORT] FILE...: fails unless each SCTP packet in each capture has a good CRC32c and
# nothing in it is malformed.  SCTP inside UDP is looked for on port 9899, or PORT.
#
# Every frame is dissected, with only the protocols up to SCTP enabled (payload dissectors would guess at
# the files that tests send, and call random bytes malformed).  The check then proves itself: a copy is made
# of each capture's first frames, one with a byte changed and one with a chunk length that cannot be, and
# exactly those two must be found.  Exit status 0: clean; 1: not; 77: tshark or scapy is not installed.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
port=9899
[ "${1:-}" != --udp ] || { port=$2; shift 2; }
[ $# -gt 0 ] || { echo "usage: tshark-check.sh [--udp PORT] FILE..." >&2; exit 2; }
command -v tshark >/dev/null || { echo "tshark-check: skipped: tshark is not installed"; exit 77; }
python=/usr/bin/python3 # the one that Debian's python3-scapy is for
$python -c 'import scapy' 2>/dev/null || { echo "tshark-check: skipped: python3-scapy is not installed"; exit 77; }
work=$(mktemp -d -t usctp-tshark.XXXXXX)
bad=$work/bad.pcap
trap 'rm -rf "$work"' EXIT
# A profile that disables every protocol but these, and what begins with _ws.
tshark -G protocols 2>/dev/null | awk -F '\t' '
  BEGIN { n = split("frame eth ethertype sll null raw ip ipv6 udp icmp icmpv6 sctp", names, " ")
    for (i = 1; i <= n; i++) wanted[names[i]] = 1 }
  !($3 in wanted) && $3 !~ /^_ws/ { print $3 }' >"$work/disabled_protos"

# dissect FILE: "PACKETS WRONG FAULTY FIRST-WRONG FIRST-FAULTY" of a capture: how many SCTP packets, how many
# without a good checksum, how many malformed, and the first frames of the two kinds.  ICMP quotes packets that
# are cut off: those are left out.
dissect() {
  # sctp.checksum.status: 1 good, 0 bad, 2 not checked.  Expert severity: 8388608 error.
  WIRESHARK_CONFIG_DIR=$work timeout 300 tshark -n -r "$1" -o 'sctp.checksum:CRC 32c' -d "udp.port==$port,sctp" \
    -Y 'sctp and not icmp and not icmpv6' -T fields -E occurrence=a \
    -e frame.number -e sctp.checksum.status -e _ws.malformed -e _ws.expert.severity 2>"$work/err" |
    awk -F '\t' '{ n++ }
      $2 != "1" { if (!wrong++) first_wrong = $1; next } # which tshark calls an error as well
      $3 != "" || $4 ~ /8388608/ { if (!faulty++) first_faulty = $1 }
      END { print n + 0, wrong + 0, faulty + 0, first_wrong + 0, first_faulty + 0 }'
}

status=0
for file in "$@"; do
  if ! result=$(dissect "$file"); then
    echo "tshark-check: $file: tshark failed: $(grep -v "^Running as user" "$work/err" | head -n 3)" >&2; status=1; continue
  fi
  read -r packets wrong faulty first_wrong first_faulty <<<"$result"
  if [ "$packets" = 0 ]; then
    echo "tshark-check: $file: no SCTP packet in it" >&2; status=1; continue
  fi
  if [ "$wrong" != 0 ] || [ "$faulty" != 0 ]; then
    echo "tshark-check: $file: of $packets packets $wrong have no good checksum (first: frame $first_wrong)," \
      "$faulty are malformed (first: frame $first_faulty)" >&2
    status=1; continue
  fi
  # The proof: what is made bad is found
  planted=$($python "$here/make-bad-frame.py" "$file" "$bad" "$port")
  read -r _ wrong faulty first_wrong first_faulty <<<"$(dissect "$bad")"
  if [ "$wrong $faulty $first_wrong $first_faulty" != "1 1 $planted" ]; then
    echo "tshark-check: $file: planted bad frames $planted, found $wrong ($first_wrong), $faulty ($first_faulty)" >&2
    status=1; continue
  fi
  echo "tshark-check: $(basename "$file"): $packets packets, every checksum good, nothing malformed"
done
exit $status
