#!/bin/sh
# Two clusters on this machine, and a file that travels: `sh docs/examples/two-clusters/start.sh`.
#
# The cluster "hub" has no worker. A job that is added there goes to the cluster "west", is done there, and comes home with
# what it has made. Everything is kept in a new folder, and stopped at the end.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
work=$(mktemp -d)
: "${HUB_PORT:=14222}" "${WEST_PORT:=14223}" "${LEAF_PORT:=17422}"
unset NATS_URL

if [ ! -e "$root/packages/cli/dist/main.js" ]; then (cd "$root" && npm ci && npm run build) >&2; fi

# As whom: `in_cluster west up …`. Each has a server of its own, and a place where commands look for it.
in_cluster() { cluster=$1; shift; LONGSHORE_CLUSTER="$cluster" XDG_STATE_HOME="$work/$cluster" node "$root/packages/cli/bin/longshore.js" "$@"; }
# In the background it is the program itself that is stopped at the end, not a shell around it.
start() { export LONGSHORE_CLUSTER="$1" XDG_STATE_HOME="$work/$1"; shift; exec node "$root/packages/cli/bin/longshore.js" "$@"; }

start hub up --store "$work/hub" --port "$HUB_PORT" --leaf-port "$LEAF_PORT" --peers west > "$work/hub.log" 2>&1 &
hub_pid=$!
start west up --store "$work/west" --port "$WEST_PORT" --hub "nats://127.0.0.1:$LEAF_PORT" --peers hub "$here/jobs.ts" > "$work/west.log" 2>&1 &
west_pid=$!
trap 'kill "$hub_pid" "$west_pid" 2> /dev/null || true; wait' EXIT
trap 'exit 130' INT TERM

echo "Two clusters start in $work …"
tries=0
until in_cluster hub offload clusters --json 2> /dev/null | grep -q files/pack; do
  tries=$((tries + 1))
  if [ "$tries" -gt 90 ]; then echo "they have not found each other: see $work/*.log" >&2; exit 1; fi
  sleep 1
done

hub() { echo; echo "\$ longshore $*"; in_cluster hub "$@"; }
hub topics
hub add files/pack --input LICENSE="$root/LICENSE" --id first --wait
hub job main.files~pack.first --save-outputs "$work/home"
gunzip -c "$work/home/LICENSE.gz" | cmp - "$root/LICENSE" && echo "It is the file that was sent, packed."
hub offload show main.files~pack.first
hub audit --with "nats://127.0.0.1:$WEST_PORT" | grep -E '^\$|P12|violations'
