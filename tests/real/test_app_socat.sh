#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# ctest-waits: mostly
#
# socat SCTP-LISTEN and SCTP-CONNECT, unchanged: lines both ways, files each way, IPv6, an address to bind
# to, socket options by number, EXEC (a child that closes the socket and runs another program), fork (a
# child for each client), a relay between TCP and SCTP.  As with ncat, the side that sends a file is the one that ends.
# shellcheck disable=SC2034 # read by lib.sh
TEST_LIMIT_S=200
. "$(dirname "$0")/app.sh"

PORT=7777
app_need socat socat
app_net 4 6
make_file "$APP_DIR/sent.data" 3000001 22

# at SIDE PATH: an address as socat wants it
at() {
  case $(addr "$@") in
    *:*) echo "[$(addr "$@")]" ;;
    *) addr "$@" ;;
  esac
}
family() { case $(addr "$@") in *:*) echo 6 ;; *) echo 4 ;; esac; }
both() { say "socat ${*:2}, listening on $(stack_of "$1"), client on $(stack_of "$(other "$1")")"; }

# listener SERVER-SIDE PATH INPUT OPTIONS ARGUMENT...: ARGUMENTS before and after the listening address, marked %
listener() {
  local address i args=("${@:5}")
  address="SCTP$(family "$1" "$2")-LISTEN:$PORT,bind=$(at "$1" "$2"),reuseaddr$4"
  for i in "${!args[@]}"; do [ "${args[$i]}" != % ] || args[i]=$address; done
  app_start listener "$1" "$3" socat -d -d "${args[@]}"
  must_say listener "listening on"
}
# client SERVER-SIDE PATH INPUT OPTIONS ARGUMENT...
client() {
  local address i args=("${@:5}")
  address="SCTP$(family "$1" "$2")-CONNECT:$(at "$1" "$2"):$PORT$4"
  for i in "${!args[@]}"; do [ "${args[$i]}" != % ] || args[i]=$address; done
  app_start client "$(other "$1")" "$3" socat -d -d "${args[@]}"
  must_say client "successfully connected"
  must_say listener "accepting connection from"
}

lines() { # lines SERVER-SIDE PATH CLIENT-OPTIONS
  listener "$1" "$2" typed "" % -
  client "$1" "$2" typed "$3" % -
  app_type client "to the listener"; must_say listener "^to the listener"
  app_type listener "to the client"; must_say client "^to the client"
  app_type_end client
  must_end client 20; must_end listener 20
  both "$1" "lines both ways over $(addr "$1" "$2") $3"
}
files() { # files SERVER-SIDE PATH
  listener "$1" "$2" none "" -u % -
  client "$1" "$2" "$APP_DIR/sent.data" "" -u - %
  must_end client 40; must_end listener 20
  same_file "$APP_DIR/sent.data" "$APP_DIR/listener.out"
  listener "$1" "$2" "$APP_DIR/sent.data" "" -u - %
  client "$1" "$2" none "" -u % -
  must_end listener 40; must_end client 20
  same_file "$APP_DIR/sent.data" "$APP_DIR/client.out"
  both "$1" "a file each way over $(addr "$1" "$2")"
}
execs() { # execs SERVER-SIDE: the listener's cat is a child of socat's, behind a pair of its own
  listener "$1" 0 none "" % EXEC:cat
  client "$1" 0 typed "" % -
  app_type client "and back"; must_say client "^and back"
  app_type client "again"; must_say client "^again"
  app_type_end client
  must_end client 20; must_end listener 20
  both "$1" "EXEC:cat"
}
relays() { # relays SIDE: TCP on one side of socat, SCTP on the other
  listener "$1" 0 typed "" % -
  app_start relay "$(other "$1")" none socat -d -d TCP-LISTEN:7780,bind=127.0.0.1 "SCTP-CONNECT:$(at "$1" 0):$PORT"
  must_say relay "listening on"
  app_start tcp "$(other "$1")" typed socat - TCP-CONNECT:127.0.0.1:7780
  app_type tcp "through two"; must_say listener "^through two"
  app_type listener "and back"; must_say tcp "^and back"
  app_type_end tcp
  must_end tcp 20; must_end relay 20; must_end listener 20
  both "$1" "relay from TCP to SCTP"
}

# forks SERVER-SIDE: a child of socat's for each client, which the parent goes on to listen beside
forks() {
  local name
  listener "$1" 0 none ",fork" % EXEC:cat
  for name in client second third; do
    app_start $name "$(other "$1")" typed socat -d -d - "SCTP-CONNECT:$(at "$1" 0):$PORT"
    must_say $name "successfully connected"
    app_type $name "$name asks"; must_say $name "^$name asks"
  done
  for name in third client second; do
    app_type $name "$name again"; must_say $name "^$name again"
    app_type_end $name
    must_end $name 20
  done
  app_stop listener; must_end listener 10 143
  both "$1" ",fork: three clients"
}
# forks_with_file SERVER-SIDE: more than fits into any buffer, through a child
forks_with_file() {
  listener "$1" 0 none ",fork" -u % "CREATE:$APP_DIR/got.data"
  client "$1" 0 "$APP_DIR/sent.data" "" -u - %
  must_end client 40
  wait_until 20 cmp -s "$APP_DIR/sent.data" "$APP_DIR/got.data" || app_fail "the file does not arrive"
  app_stop listener; must_end listener 10 143
  both "$1" ",fork: a file"
}

app_capture_start checked
lines b 0 ""
files b 0
app_capture_stop checked
lines a 0 ",bind=$(at b 0):7800,setsockopt-int=132:3:1,setsockopt-int=132:13:700" # SCTP_NODELAY, SCTP_MAXSEG
lines b 1 ""
files a 1
execs b
execs a
relays b
relays a
forks b
forks a
forks_with_file b
forks_with_file a
