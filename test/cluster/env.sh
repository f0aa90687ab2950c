# Sourced by the scripts here: where everything is.
export CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/hotpod
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
HERE=$ROOT/test/cluster
# The cluster's own data, thrown away by down.sh, and what its programs say, kept until the next start.
STATE=$CACHE/cluster LOGS=$CACHE/cluster-logs PKI=$STATE/pki BIN=$STATE/bin RUN=/run/hotpod-cluster
NETNS=hotpod-cluster SOCKET=$RUN/containerd.sock
NODE_IP=10.99.0.1 POD_CIDR=10.98.0.0/23 SERVICE_CIDR=10.96.0.0/16 API_IP=10.96.0.1
# Where containerd pulls every image from, whatever its registry: see `go run ./hack/images --serve`.
export REGISTRY=127.0.0.1:5000

# inside runs a command in the cluster's network. Not `ip netns exec`: that mounts /sys again and hides the cgroups.
inside() { nsenter --net=/run/netns/$NETNS "$@"; }
kubectl() { inside "$BIN/kubectl" --kubeconfig "$STATE/admin.kubeconfig" "$@"; }
ctr() { "$BIN/ctr" -a $SOCKET -n k8s.io "$@"; }

# start NAME COMMAND… runs a program in the cluster's network until stop NAME; descriptor 9 is the lock of a test.
start() {
  local name=$1
  shift
  printf '%s\0' "$@" >"$RUN/$name.command"
  nsenter --net=/run/netns/$NETNS setsid "$@" >>"$LOGS/$name.log" 2>&1 </dev/null 9>&- &
  echo $! >"$RUN/$name.pid"
}

# again NAME starts a program that was stopped as it was started.
again() {
  local command
  mapfile -d '' -t command <"$RUN/$1.command"
  start "$1" "${command[@]}"
}

# guard removes the cluster when this shell is gone, also when it was killed. A cluster of another shell stays.
guard() {
  echo $$ >"$RUN/owner"
  setsid bash -c 'while kill -0 "$1" 2>/dev/null; do sleep 1; done; [ "$(cat "$2/owner" 2>/dev/null)" != "$1" ] || exec "$3/down.sh"' \
    guard $$ $RUN "$HERE" >/dev/null 2>&1 </dev/null 9>&- &
}

stop() {
  local file=$RUN/$1.pid pid
  [ -f "$file" ] || return 0
  pid=$(cat "$file")
  kill "$pid" 2>/dev/null || true
  for _ in $(seq 100); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
  kill -9 "$pid" 2>/dev/null || true
  rm -f "$file"
}

# await SECONDS COMMAND… waits until the command succeeds.
await() {
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || { echo "not in time: $*" >&2; return 1; }
    sleep 0.2
  done
}
