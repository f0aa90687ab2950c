#!/usr/bin/env bash
# Installs Hotpod on a real cluster under the strictest defaults, and tells stories there. Needs `make build`.
#
#   test/e2e/run.sh [STORY …]             a cluster of one node is made and removed (root; KEEP=1 leaves it up)
#   E2E_KUBECONFIG=FILE test/e2e/run.sh   a cluster of yours, on which Hotpod is installed; its images must be pullable,
#                                         and E2E_ROUTER says where from here its Service router is
#   E2E_INSTALL=kubectl|hotpod|helm       how the platform is installed (kubectl)
#   E2E_RIGHTS=1                          also looks for rights that no component used
#   E2E_WAIT=SECONDS                      how long to wait for another run on this machine to end
#   E2E_UPGRADE=1                         also upgrades, ends, kills and restarts everything under load, which takes a machine with more
#                                         than two processors
#   E2E_TESTS=REGEX                       only these of the tests in this folder; no stories with E2E_STORIES=none
set -euo pipefail
. "$(dirname "$0")/../cluster/env.sh"
cd "$ROOT"
# Stories that need nothing but a cluster; limits and pool do as well, and take a machine with more than two processors.
stories=(hello python routes scale triggers logs)
[ $# = 0 ] || stories=("$@")
[ "${E2E_STORIES:-}" != none ] || stories=()
# phase NAME says what is done, and how long it took so far.
phase() { printf '== %d:%02d  %s\n' $((SECONDS / 60)) $((SECONDS % 60)) "$*"; }
# install puts the platform on the cluster, by one of the ways that docs/install.md names.
install() {
  case ${E2E_INSTALL:-kubectl} in
    kubectl) kubectl apply --server-side -k manifests/kubernetes >/dev/null ;;
    hotpod) inside bin/hotpod --kubeconfig "$STATE/admin.kubeconfig" install --timeout 5m ;;
    helm) inside "$(go run ./hack/setup helm)" --kubeconfig "$STATE/admin.kubeconfig" install hotpod manifests/chart -n fission --create-namespace --wait ;;
    *) echo "E2E_INSTALL is $E2E_INSTALL, and not kubectl, hotpod or helm" >&2 && return 2 ;;
  esac
}
ours=$([ -n "${E2E_KUBECONFIG:-}" ] || echo yes)
if [ "$ours" ] && [ "$(id -u)" != 0 ]; then
  echo 'make e2e starts a real kubelet and containerd, so it needs root; or name a cluster: E2E_KUBECONFIG=FILE E2E_ROUTER=HOST:PORT' >&2
  exit 1
fi

work=$(mktemp -d)
# That the cluster is this run's, and so to be removed by it.
held=''
# finish ends what is still under way, and the cluster.
finish() {
  pkill -P $$ -f "$work/" || true
  rm -rf "$work"
  if [ "$held" ] && [ -z "${KEEP:-}" ]; then test/cluster/down.sh; fi
}
trap finish EXIT
phase 'compiling the tests'
go test -c -o "$work/stories" ./test
go test -c -o "$work/e2e" ./test/e2e

if [ -z "$ours" ]; then
  export HOTPOD_TEST_KUBECONFIG=$E2E_KUBECONFIG HOTPOD_TEST_ROUTER=${E2E_ROUTER:?where is the Service router?}
  run() { "$@"; }
else
  mkdir -p "$CACHE"
  exec 9>"$CACHE/cluster.lock"
  flock -w "${E2E_WAIT:-0}" 9 || { echo 'the test cluster is in use by another run' >&2; exit 1; }
  held=yes
  phase 'making images'
  go build -o "$work/images" ./hack/images
  rm -rf "$CACHE/images/cluster"
  # Of the builders one is enough.
  mapfile -t all < <("$work/images" --list | grep -vx hotpod/python-builder)
  "$work/images" --programs bin --out "$CACHE/images/cluster" pause probe "${all[@]}" >/dev/null
  if [ -n "${E2E_UPGRADE:-}" ]; then
    # The parts once more, as another version.
    mapfile -t parts < <(printf '%s\n' "${all[@]}" | grep -v -- '-env$\|-builder$\|/envoy$\|/builder$')
    CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X hotpod.dev/wire.version=next' -o "$work/next/" "${parts[@]/#hotpod/./cmd}"
  fi
  phase 'starting the cluster'
  test/cluster/up.sh
  [ -n "${KEEP:-}" ] || guard
  cp "$work/images" "$BIN/images"
  start registry "$BIN/images" --out "$CACHE/images/cluster" --serve $REGISTRY \
    $(printf '%s\n' "${all[@]}" | sed -n 's#^hotpod/\(.*-env\|.*-builder\)$#fission/\1=hotpod/\1#p')
  for image in "${all[@]}"; do await 120 inside curl -sf -o /dev/null http://$REGISTRY/v2/"$image"/manifests/latest; done
  [ -z "${E2E_UPGRADE:-}" ] || inside "$BIN/images" --programs "$work/next" --tag next --out "$work/archives" --push $REGISTRY "${parts[@]}" >/dev/null
  phase 'installing'
  # A user that no image knows, another one each time.
  sed "s/\${USER_ID}/$((1000000000 + RANDOM * 10000))/g" test/e2e/random-user.yaml | kubectl apply -f - >/dev/null
  install
  for part in $(kubectl get deployments -n fission -o name); do kubectl rollout status -n fission "$part" --timeout=3m; done
  export HOTPOD_TEST_KUBECONFIG=$STATE/admin.kubeconfig HOTPOD_TEST_AUDIT=$LOGS/audit.log HOTPOD_TEST_CLUSTER=$HERE HOTPOD_TEST_NEXT=${E2E_UPGRADE:+next}
  HOTPOD_TEST_ROUTER=$(kubectl get service router -n fission -o jsonpath='{.spec.clusterIP}')
  export HOTPOD_TEST_ROUTER
  run() { inside "$@" 9>&-; }
fi
export HOTPOD_TEST_PROGRAMS=$ROOT/bin PATH=$BIN:$PATH
if [ ${#stories[@]} -gt 0 ]; then
  phase "stories ${stories[*]}"
  pattern=$(IFS='|' && echo "${stories[*]}")
  (cd test && run "$work/stories" -test.run "^TestStories\$/^($pattern)\$" -test.parallel 2 -test.timeout 30m)
fi
phase 'tests'
(cd test/e2e && run "$work/e2e" -test.v -test.run "${E2E_TESTS:-.}" -test.skip "$([ "${E2E_TESTS:-}" ] || echo ^TestRoles_)" -test.timeout 20m)
# What all of it asked of the API server.
[ "${E2E_TESTS:-}" ] || (cd test/e2e && run "$work/e2e" -test.v -test.run '^TestRoles_')
phase 'passed'
