# SPDX-License-Identifier: Apache-2.0
# Runs the command given to it for as long as standard input stays open, so that no server outlives its node.
exec 3<&0
"$@" 3<&- </dev/null &
server=$!
trap 'kill -TERM "$server" 2>/dev/null' TERM
{
    cat <&3 >/dev/null
    kill -TERM "$server" 2>/dev/null
    sleep 3
    kill -KILL "$server" 2>/dev/null
} >/dev/null 2>&1 &
watcher=$!
exec 3<&-
# A trapped signal ends the first wait early.
wait "$server"
wait "$server"
status=$?
kill -TERM "$watcher" 2>/dev/null
exit "$status"
