#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# docs/examples/epoll-server.c under churn: 1,000 associations at once, each of which comes, sends, and goes
# in one of four ways (shutdown, close with echoes on their way, abort, close unawaited).  After every few
# thousand the server has as many descriptors as at first and no association; the engine's memory is what it
# was; what malloc has given out, and what is resident, have stopped growing.
# shellcheck disable=SC2034 # read by lib.sh
TEST_LIMIT_S=280
. "$(dirname "$0")/examples.sh"

MANY=1000 ROUND=3000 ROUNDS=8 WARM=2
ENGINE_SLACK_KIB=64  # tables grow with the most that was there at once
HEAP_SLACK_KIB=384   # likewise: idle socket structures; a leak of 24 bytes an association would be more
RSS_SLACK_KIB=8192   # and the heap is not always as tidy
[ "$(ulimit -Hn)" -ge $((2 * MANY + 200)) ] || skip "no $((2 * MANY + 200)) descriptors for a process here"
net_make 4

# Beside the server, in its process: a thread that writes down what malloc has given out
cat >"$WORK/heap.c" <<'END'
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void *watch(void *path) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    for (char text[32];; usleep(50000)) {
        int n = snprintf(text, sizeof text, "%20zu\n", mallinfo2().uordblks / 1024);
        if (pwrite(fd, text, (size_t)n, 0) != n)
            abort();
    }
    return NULL;
}

__attribute__((constructor)) static void begin(void) {
    pthread_t thread;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (getenv("HEAP_FILE") && pthread_create(&thread, NULL, watch, getenv("HEAP_FILE")) != 0)
        abort();
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}
END
"${CC:-cc}" -shared -fPIC -pthread -o "$WORK/heap.so" "$WORK/heap.c" || fail "the heap watcher does not compile"
binary=$(built examples/epoll-server)

heap() { sleep 0.2; tr -d ' ' <"$WORK/heap.kib"; }
engine() { tail -n 1 "$WORK/server.err" | sed -n 's/.* associations, \([0-9]*\) KiB$/\1/p'; }
# grown WHAT SLACK_KIB VALUE...: fails when the last is larger than that of round WARM
grown() {
  local what=$1 slack=$2
  shift 2
  [ $# = $ROUNDS ] || fail "$what was not measured in each round"
  [ $((${!#} - ${!WARM})) -le "$slack" ] || fail "$what has grown: KiB after each round: $*"
  say "$transport: $what, KiB after each $ROUND associations: $*"
}

for transport in raw4 udp; do
  # shellcheck disable=SC2046
  spawn server ip netns exec "$NET_B" env LD_PRELOAD="$WORK/heap.so" HEAP_FILE="$WORK/heap.kib" \
    MALLOC_ARENA_MAX=1 "$binary" $(udp_option $transport) $EXAMPLE_PORT </dev/null >"$WORK/server.out"
  wait_until 10 has_line server listening || fail "the server does not listen"
  descriptors=$(server_count descriptors)
  engines=() heaps=() residents=()
  for ((round = 1; round <= ROUNDS; round++)); do
    crowd $transport --count $MANY --messages 3 --bytes 2000 --churn $ROUND
    has_line crowd "^churned $ROUND$" || fail "not all have come and gone"
    wait_until 30 report ': 0 open, .* stack: 0 associations' ||
      fail "round $round: some are not gone: $(tail -n 1 "$WORK/server.err")"
    [ "$(server_count descriptors)" = "$descriptors" ] || fail "round $round: descriptors are left over"
    engines+=("$(engine)") heaps+=("$(heap)") residents+=("$(server_count memory)")
  done
  grown 'engine' $ENGINE_SLACK_KIB "${engines[@]}"
  grown 'heap' $HEAP_SLACK_KIB "${heaps[@]}"
  grown 'resident memory' $RSS_SLACK_KIB "${residents[@]}"
  say "$transport: $(tail -n 1 "$WORK/server.err")"
  stop_example
done
