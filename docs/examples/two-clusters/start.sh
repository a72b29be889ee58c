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

# As whom: `in_cluster west up …`. Each has a server of its own, and the place where commands look for it.
in_cluster() (
  cluster=$1; shift
  export LONGSHORE_CLUSTER="$cluster" XDG_STATE_HOME="$work/$cluster"
  exec node "$root/packages/cli/bin/longshore.js" "$@"
)

in_cluster hub up --store "$work/hub" --port "$HUB_PORT" --leaf-port "$LEAF_PORT" --peers west > "$work/hub.log" 2>&1 &
hub=$!
in_cluster west up --store "$work/west" --port "$WEST_PORT" --hub "nats://127.0.0.1:$LEAF_PORT" --peers hub "$here/jobs.ts" > "$work/west.log" 2>&1 &
west=$!
trap 'kill "$hub" "$west" 2> /dev/null || true; wait' EXIT
trap 'exit 130' INT TERM

echo "Two clusters start in $work …"
tries=0
until in_cluster hub offload clusters --json 2> /dev/null | grep -q files/pack; do
  tries=$((tries + 1))
  if [ "$tries" -gt 90 ]; then echo "they have not found each other: see $work/*.log" >&2; exit 1; fi
  sleep 1
done

set -x
in_cluster hub topics
in_cluster hub add files/pack --attach "$root/LICENSE" --id first --wait
in_cluster hub job main.files~pack.first --save "$work/home"
gunzip -c "$work/home/LICENSE.gz" | cmp - "$root/LICENSE"
in_cluster hub offload show main.files~pack.first
in_cluster hub audit --with "nats://127.0.0.1:$WEST_PORT" | grep -E 'P12|violations'
