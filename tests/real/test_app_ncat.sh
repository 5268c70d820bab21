#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# ctest-waits: mostly
# ctest-cost: 50
#
# ncat --sctp, unchanged: lines both ways, files both ways, IPv6, TLS, one listener for several clients, a
# program for each client, and what a client hears at a port that nobody has.  SCTP has no half-closed state:
# where both ends send, the one that ends first ends both, on Linux as here, so the other's input is held open.
# shellcheck disable=SC2034 # read by lib.sh
TEST_LIMIT_S=200
. "$(dirname "$0")/app.sh"

PORT=7777
app_need ncat ncat
app_need openssl openssl
app_net 4 6
make_file "$APP_DIR/sent.data" 3000001 21

# ncats SERVER-SIDE PATH SERVER-INPUT CLIENT-INPUT OPTION...: both ends, connected
ncats() {
  local server=$1 client address
  client=$(other "$1") address=$(addr "$1" "$2")
  app_start listener "$server" "$3" ncat -v --sctp -l "$address" $PORT "${@:5}"
  must_say listener "Listening on $address:$PORT"
  app_start client "$client" "$4" ncat -v --sctp "$address" $PORT "${@:5}"
  must_say client "onnect.* to .*:$PORT"
  must_say listener "Connection from"
}
both() { say "ncat ${*:2}, listening on $(stack_of "$1"), client on $(stack_of "$(other "$1")")"; }

lines() { # lines SERVER-SIDE PATH OPTION...
  ncats "$1" "$2" typed typed "${@:3}"
  app_type client "to the listener"; must_say listener "^to the listener"
  app_type listener "to the client"; must_say client "^to the client"
  app_type client "again"; must_say listener "^again"
  app_type_end client
  must_end client 20; must_end listener 20
  both "$1" "lines both ways over $(addr "$1" "$2") ${*:3}"
}
file_to_listener() { # file_to_listener SERVER-SIDE PATH OPTION...
  ncats "$1" "$2" typed "$APP_DIR/sent.data" "${@:3}"
  must_end client 40; must_end listener 20
  same_file "$APP_DIR/sent.data" "$APP_DIR/listener.out"
  both "$1" "a file to the listener ${*:3}"
}
file_to_client() {
  ncats "$1" "$2" "$APP_DIR/sent.data" typed "${@:3}"
  must_end listener 40; must_end client 20
  same_file "$APP_DIR/sent.data" "$APP_DIR/client.out"
  both "$1" "a file to the client ${*:3}"
}
# several SERVER-SIDE: -k: one listener, clients beside and after each other
several() {
  local server=$1 client name
  client=$(other "$1")
  app_start listener "$server" typed ncat -v -k --sctp -l "$(addr "$server")" $PORT
  must_say listener "Listening on"
  for name in one two; do
    app_start $name "$client" typed ncat --sctp "$(addr "$server")" $PORT
    app_type $name "I am $name"; must_say listener "I am $name"
  done
  app_type one "still one"; must_say listener "still one"
  for name in one two; do app_type_end $name; must_end $name 20; done
  app_start three "$client" typed ncat --sctp "$(addr "$server")" $PORT
  app_type three "I am three"; must_say listener "I am three"
  app_type_end three; must_end three 20
  app_stop listener; must_end listener 10 143
  both "$server" "-k, three clients"
}
refused() { # refused CLIENT-SIDE: nobody listens at that port, but the host does speak SCTP
  local server
  server=$(other "$1")
  app_start listener "$server" typed ncat -v --sctp -l "$(addr "$server")" $PORT
  must_say listener "Listening on"
  app_start client "$1" none ncat -v --sctp "$(addr "$server")" 7778
  must_end client 20 1
  app_says client 'Connection refused' || app_fail "the client is not refused"
  app_stop listener; must_end listener 10 143
  both "$server" "at a port that nobody has"
}

# executes SERVER-SIDE: -e: a program for each client, behind a forked ncat
executes() {
  local client name
  client=$(other "$1")
  app_start listener "$1" none ncat -v -k --sctp -l "$(addr "$1")" $PORT -e /bin/cat
  must_say listener "Listening on"
  for name in client second; do
    app_start $name "$client" typed ncat --sctp "$(addr "$1")" $PORT
    app_type $name "$name asks"; must_say $name "^$name asks"
  done
  for name in second client; do
    app_type $name "$name again"; must_say $name "^$name again"
    app_type_end $name; must_end $name 20
  done
  app_stop listener; must_end listener 10 143
  both "$1" "-k -e /bin/cat, two clients"
}

openssl req -x509 -newkey rsa:2048 -nodes -keyout "$APP_DIR/key.pem" -out "$APP_DIR/cert.pem" -days 30 \
  -subj /CN=ncat >/dev/null 2>&1
app_capture_start checked
lines b 0
file_to_listener b 0
file_to_client b 0
app_capture_stop checked
lines a 1
file_to_listener a 0
file_to_client a 1
several b
several a
refused a
refused b
# TLS over a stream of SCTP's: the certificate is the listener's
tls() {
  ncats "$1" 0 typed typed --ssl --ssl-cert "$APP_DIR/cert.pem" --ssl-key "$APP_DIR/key.pem"
  app_type client "in secret"; must_say listener "^in secret"
  app_type listener "likewise"; must_say client "^likewise"
  app_type_end client
  must_end client 20; must_end listener 20
  both "$1" --ssl
}
tls b
tls a
executes b
executes a
