#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Two freeDiameterd, unchanged: capabilities are exchanged over SCTP, watchdogs go both ways until each side
# has seen three answered, one leaves with a Disconnect-Peer-Request; it starts again and is taken back.
# Once over one path, once over two, of which one fails while the peers stay connected.
# shellcheck disable=SC2034 # read by lib.sh
TEST_LIMIT_S=280
# ctest-waits: mostly
. "$(dirname "$0")/app.sh"

app_need freeDiameterd freediameterd
app_need openssl openssl
dumps=$(dpkg -L freediameter-extensions 2>/dev/null | grep -m 1 '/dbg_msg_dumps.fdx$') ||
  skip "dbg_msg_dumps.fdx is not installed (package freediameter-extensions)"
app_net 4 4
declare -A NAME_OF=([a]=peer-a.example.net [b]=peer-b.example.net)

# It wants a certificate even where the peers agree not to use TLS
make_certificates() {
  local side
  cd "$APP_DIR"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.crt -days 3650 -subj /CN=ca
  for side in a b; do
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $side.key -out $side.csr -subj "/CN=${NAME_OF[$side]}"
    openssl x509 -req -in $side.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out $side.crt -days 3650
  done
  cd - >/dev/null
}

configure() { # configure SIDE PATH...
  local path peer
  peer=$(other "$1")
  {
    echo "Identity = \"${NAME_OF[$1]}\"; Realm = \"example.net\";"
    echo 'Port = 3868; SecPort = 0; No_TCP; No_IPv6; TwTimer = 6; TcTimer = 2; SCTP_streams = 3;'
    echo "TLS_Cred = \"$APP_DIR/$1.crt\", \"$APP_DIR/$1.key\"; TLS_CA = \"$APP_DIR/ca.crt\";"
    echo "LoadExtension = \"$dumps\" : \"0x0080\";"
    for path in "${@:2}"; do echo "ListenOn = \"$(addr "$1" "$path")\";"; done
    if [ "$1" = a ]; then
      echo "ConnectPeer = \"${NAME_OF[$peer]}\" { No_TLS;"
      for path in "${@:2}"; do echo "  ConnectTo = \"$(addr "$peer" "$path")\";"; done
      echo '};'
    else # it waits, or the two could connect to each other at once, of which one is then given up
      echo "LoadExtension = \"${dumps%/*}/acl_wl.fdx\" : \"$APP_DIR/$1.acl\";"
      echo "ALLOW_IPSEC ${NAME_OF[$peer]}" >"$APP_DIR/$1.acl"
    fi
  } >"$APP_DIR/$1.conf"
}
# When it ends it gives each of its threads 20 ms to leave a queue, and aborts if one gets no processor in that time.
AHEAD=()
! chrt -r 1 true 2>/dev/null || AHEAD=(chrt -r 1)
launch() { # launch SIDE
  app_start "diameter-$1" "$1" none "${AHEAD[@]}" stdbuf -oL freeDiameterd -c "$APP_DIR/$1.conf" -d
}
is_open() { must_say "diameter-$1" "-> 'STATE_OPEN'.*'${NAME_OF[$(other "$1")]}'" 40; }

# answered SIDE COUNT: how many of its watchdog requests have been answered
has_answers() {
  [ "$(grep -c "^[0-9: ]*NOTI *'Device-Watchdog-Answer'" "$APP_DIR/diameter-$1.out")" -ge "$2" ]
}
# watchdogs COUNT: on both sides, sent and received together
watchdogs() {
  local side
  for side in a b; do
    wait_until 60 has_answers $side "$1" || app_fail "side $side has not seen $1 watchdogs answered"
  done
}
leave() { # leave SIDE: with DPR and DPA
  app_stop "diameter-$1"
  must_end "diameter-$1" 30
  app_says "diameter-$1" Disconnect-Peer-Answer || app_fail "side $1 left without an answer"
  must_say "diameter-$(other "$1")" 'sent a DPR with cause: REBOOTING'
}
no_complaint() {
  local side
  for side in a b; do
    ! grep -aE 'ERROR|FATAL' "$APP_DIR/diameter-$side.out" "$APP_DIR/diameter-$side.err" | grep -v 'Initiating freeDiameter shutdown' ||
      app_fail "side $side complains"
  done
}

make_certificates 2>"$WORK/openssl.err" || fail "no certificates"
app_capture_start checked
configure a 0; configure b 0
launch b; must_say diameter-b 'daemon initialized'
launch a
is_open a; is_open b
for side in a b; do
  app_says diameter-$side "Connected to '${NAME_OF[$(other $side)]}' (SCTP" || app_fail "side $side is not connected over SCTP"
done
app_says diameter-a Capabilities-Exchange-Answer || app_fail "no CEA"
watchdogs 3
leave a
no_complaint
say "CER/CEA, watchdogs, DPR/DPA: $(stack_of a) and $(stack_of b)"
launch a # b, which knows it, takes it back
is_open a
watchdogs 1
leave b
app_stop diameter-a; must_end diameter-a 30
app_capture_stop checked
must_be_captured checked 'sctp.data_payload_proto_id == 46 || diameter.cmd.code == 257'
say "taken back after it has left"

configure a 0 1; configure b 0 1
launch b; must_say diameter-b 'daemon initialized'
launch a
is_open a; is_open b
if [ -z "$APP_REFERENCE" ]; then path_cut 0 a; path_cut 0 b; fi
watchdogs 4
! app_says diameter-a 'STATE_SUSPECT' || say "(a watchdog was late on the failed path)"
leave a
app_stop diameter-b; must_end diameter-b 30
say "two paths, one of them cut: still connected"
