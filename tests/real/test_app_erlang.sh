#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Erlang's gen_sctp and socket, of the unchanged erlang-base, at both ends: app_gen_sctp.erl has the cases
# ctest-waits: mostly
# shellcheck disable=SC2034 # read by lib.sh
TEST_LIMIT_S=280
. "$(dirname "$0")/app-ends.sh"

app_need erl erlang-base
app_need erlc erlang-base
app_net 4 4 6 6
erlc -o "$APP_DIR" "$REAL_DIR/app_gen_sctp.erl" || fail "app_gen_sctp.erl does not compile"
ends_program() {
  app_start "$1" "$2" none erl -noshell -noinput -pa "$APP_DIR" -s app_gen_sctp main -extra "${@:3}"
}
ends_play 10 104
