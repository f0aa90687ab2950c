#!/usr/bin/env bash
# Starts the embedded platform, deploys the hello example, calls it twice and stays up until Ctrl-C.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PWD/bin:$PATH

hotpod-local up "$@" &
platform=$!
trap 'kill -TERM $platform 2>/dev/null; wait $platform 2>/dev/null; exit 0' INT TERM
trap 'kill -TERM $platform 2>/dev/null; wait $platform 2>/dev/null' EXIT

until hotpod-local status -o json 2>/dev/null | grep -q '"phase": "ready"'; do
  kill -0 $platform 2>/dev/null || { wait $platform; exit 1; }
  sleep 0.1
done
eval "$(hotpod-local env)"
# The example gets a namespace and a URL of its own, so that /hello stays free for the reader.
kubectl create namespace welcome --dry-run=client -o yaml | kubectl apply -f - >/dev/null
sed 's|namespace: default|namespace: welcome|; s|relativeurl: /hello|relativeurl: /welcome|' examples/hello.yaml |
  kubectl apply -n welcome -f - >/dev/null
kubectl wait -n welcome --for=condition=Ready --timeout=60s httptrigger/hello environment/nodejs >/dev/null

call() {
  python3 - "$1" "http://$FISSION_ROUTER/welcome" <<'PY'
import sys, time, urllib.request
start = time.perf_counter()
answer = urllib.request.urlopen(sys.argv[2], timeout=60).read().decode().strip()
print(f"{sys.argv[1]}: {answer} ({(time.perf_counter() - start) * 1000:.1f} ms)")
PY
}
call cold
call warm

cat <<INFO

Hotpod is up. Routes:      http://$FISSION_ROUTER
             kubeconfig:  $KUBECONFIG
In another terminal:

    eval "\$(bin/hotpod local env)"
    hotpod env create --name nodejs --image fission/node-env
    hotpod function create --name hello --env nodejs --code examples/hello.js
    hotpod route create --method GET --url /hello --function hello
    curl http://\$FISSION_ROUTER/hello

Ctrl-C stops everything.
INFO
wait $platform
