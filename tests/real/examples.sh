# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
#
# What the tests of the programs in docs/api.md (docs/examples/*.c) share: each runs as side B, and
# crowd-client, side A, is its peers.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

EXAMPLE_PORT=5010

# udp_option TRANSPORT: as the programs have it
udp_option() { [ "$1" != udp ] || echo --udp; }

# start_example PROGRAM ARGUMENT...: on side B, as process "server"; its stdout is $WORK/server.out
start_example() {
  local binary
  binary=$(built "examples/$1")
  shift
  spawn server in_net "$NET_B" "$binary" "$@" </dev/null >"$WORK/server.out"
  wait_until 10 says_listening || fail "$binary does not listen"
}
says_listening() { has_line server listening || grep -qs listening "$WORK/server.out"; }

# stop_example: SIGTERM ends each of them well
stop_example() {
  kill -TERM "${PID[server]}"
  must_finish server 20
  must_say_nothing_new
}
# What a server that has met no trouble has on stderr: that it listens, and answers to SIGUSR1
must_say_nothing_new() {
  ! grep -Ev 'listening$|: [0-9]+ open, ' "$WORK/server.err" >&2 || fail "the server has complained"
}

# crowd TRANSPORT OPTION...: runs crowd-client to its good end
crowd() {
  start_crowd crowd "$@" </dev/null
  must_finish crowd 100
}
# start_crowd NAME TRANSPORT OPTION...: as a process of that name.  It does not inherit the descriptors 8
# and 9, by which tests hold the FIFOs that are its stdin.
start_crowd() {
  local binary name=$1 transport=$2 address
  shift 2
  binary=$(built tests/real/crowd-client)
  case $transport in raw6) address=${B_ADDR[1]} ;; *) address=${B_ADDR[0]} ;; esac
  # shellcheck disable=SC2046
  spawn "$name" in_net "$NET_A" "$binary" $(udp_option "$transport") "$@" "$address" $EXAMPLE_PORT 8>&- 9>&-
}

# report PATTERN: what epoll-server says on SIGUSR1 now
report() {
  kill -USR1 "${PID[server]}"
  sleep 0.1
  tail -n 1 "$WORK/server.err" | grep -q "$1"
}

# server_count WHAT: descriptors, or resident memory in KiB, of the server
server_count() {
  case $1 in
    descriptors) find "/proc/${PID[server]}/fd" -mindepth 1 | wc -l ;;
    memory) awk '$1 == "VmRSS:" { print $2; found = 1 } END { exit !found }' "/proc/${PID[server]}/status" ;;
  esac
}
