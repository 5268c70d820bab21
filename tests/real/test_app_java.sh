#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# com.sun.nio.sctp of the unchanged openjdk-17-jdk-headless at both ends: AppSctp.java has the cases
# ctest-waits: mostly
# shellcheck disable=SC2034 # read by lib.sh
TEST_LIMIT_S=280
. "$(dirname "$0")/app-ends.sh"

app_need java openjdk-17-jdk-headless
app_need javac openjdk-17-jdk-headless
app_net 4 4 6 6
javac -Xlint:all -Werror -d "$APP_DIR" "$REAL_DIR/AppSctp.java" || fail "AppSctp.java does not compile"
ends_program() {
  local small=() # for the guest, which is slow to compile and has little memory
  if is_guest "$2"; then small=(-Xmx128m -XX:TieredStopAtLevel=1); fi
  app_start "$1" "$2" none java "${small[@]}" -cp "$APP_DIR" AppSctp "${@:3}"
}
ends_play 10 128
