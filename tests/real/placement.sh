# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
#
# What the tests of placement.c share.  To be sourced.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

PORT=5001

# place_server OPTION...: in side B, as process "server"; place_client PATH OPTION...: in side A, to B's
# address on that path, as process "client"
place_server() {
  spawn server in_net "$NET_B" "$(built tests/real/placement)" "$@" listen $PORT </dev/null
  wait_until 10 has_line server 'listening on' || fail "the server does not listen ($*)"
}
place_client() {
  local path=$1
  shift
  spawn client in_net "$NET_A" "$(built tests/real/placement)" "$@" connect "${B_ADDR[$path]}" $PORT </dev/null
}
# exchange WHAT PATH SERVER-OPTIONS CLIENT-OPTIONS: data crosses both ways
exchange() {
  local -a server client
  read -ra server <<<"$3"
  read -ra client <<<"$4"
  place_server "${server[@]}"
  place_client "$2" "${client[@]}"
  must_finish client 60
  must_finish server 30
  say "$1: all arrived"
}
