#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# ctest-waits: mostly
#
# Python's socket module, unchanged, with SCTP by its numbers (app-sockets.py): blocking, with selectors, with
# asyncio, one-to-many, with forked workers that share a socket; ancillary data, notifications, errors.  IPv4 and IPv6, each side the server once.
# shellcheck disable=SC2034 # read by lib.sh
TEST_LIMIT_S=200
. "$(dirname "$0")/app.sh"

app_need python3 python3
app_net 4 6

sockets() { # sockets SERVER-SIDE PATH
  local client
  client=$(other "$1")
  app_start server "$1" typed python3 "$REAL_DIR/app-sockets.py" server "$(addr "$1" "$2")"
  must_say server '^ready'
  app_start client "$client" none python3 "$REAL_DIR/app-sockets.py" client "$(addr "$1" "$2")"
  must_end client 90
  app_type_end server
  must_end server 30
  say "$(paste -sd, "$APP_DIR/client.out" | sed 's/,/, /g'): $(stack_of "$client") to $(stack_of "$1") over $(addr "$1" "$2")"
}

app_capture_start checked
sockets b 0
app_capture_stop checked
sockets a 0
sockets b 1
sockets a 1
