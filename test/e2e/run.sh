#!/usr/bin/env bash
# Installs Hotpod on a real cluster under the strictest defaults, and tells stories there. Needs `make build`.
#
#   test/e2e/run.sh [STORY …]             a cluster of one node is made and removed (root; KEEP=1 leaves it up)
#   E2E_KUBECONFIG=FILE test/e2e/run.sh   a cluster of yours, on which Hotpod is installed; its images must be pullable,
#                                         and E2E_ROUTER says where from here its Service router is
set -euo pipefail
. "$(dirname "$0")/../cluster/env.sh"
cd "$ROOT"
# Stories that need nothing but a cluster, and no node that starts a pod within a few seconds.
stories=(hello python routes limits)
[ $# = 0 ] || stories=("$@")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
go test -c -o "$work/stories" ./test
go test -c -o "$work/e2e" ./test/e2e

if [ -n "${E2E_KUBECONFIG:-}" ]; then
  export HOTPOD_TEST_KUBECONFIG=$E2E_KUBECONFIG HOTPOD_TEST_ROUTER=${E2E_ROUTER:?where is the Service router?}
  run() { "$@"; }
else
  go build -o "$work/images" ./hack/images
  "$work/images" --out "$CACHE/images/cluster" >/dev/null
  "$work/images" --out "$CACHE/images/cluster" probe >/dev/null
  [ -n "${KEEP:-}" ] || trap 'rm -rf "$work"; test/cluster/down.sh' EXIT
  test/cluster/up.sh
  cp "$work/images" "$BIN/images"
  start registry "$BIN/images" --out "$CACHE/images/cluster" --serve $REGISTRY \
    fission/node-env=hotpod/node-env fission/python-env=hotpod/python-env
  await 60 inside curl -sf http://$REGISTRY/v2/
  # A user that no image knows, another one each time.
  sed "s/\${USER_ID}/$((1000000000 + RANDOM * 10000))/g" test/e2e/random-user.yaml | kubectl apply -f -
  kubectl apply --server-side -k manifests/kubernetes >/dev/null
  for part in $(kubectl get deployments -n fission -o name); do kubectl rollout status -n fission "$part" --timeout=3m; done
  export HOTPOD_TEST_KUBECONFIG=$STATE/admin.kubeconfig HOTPOD_TEST_AUDIT=$LOGS/audit.log
  HOTPOD_TEST_ROUTER=$(kubectl get service router -n fission -o jsonpath='{.spec.clusterIP}')
  export HOTPOD_TEST_ROUTER
  run() { inside "$@"; }
fi
export HOTPOD_TEST_PROGRAMS=$ROOT/bin PATH=$BIN:$PATH
pattern=$(IFS='|' && echo "${stories[*]}")
(cd test && run "$work/stories" -test.run "^TestStories\$/^($pattern)\$" -test.parallel 2 -test.timeout 30m)
(cd test/e2e && run "$work/e2e" -test.v -test.timeout 20m)
