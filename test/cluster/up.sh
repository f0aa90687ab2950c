#!/usr/bin/env bash
# Brings up Kubernetes on one real node, in a network namespace of its own. See README.md.
set -euo pipefail
. "$(dirname "$0")/env.sh"
[ "$(id -u)" = 0 ] || { echo 'the test cluster needs root' >&2; exit 1; }
missing=()
for c in iptables nft conntrack ethtool socat runc nsenter ip openssl curl; do command -v $c >/dev/null || missing+=("$c"); done
[ -x /usr/lib/cni/bridge ] || missing+=(containernetworking-plugins)
[ ${#missing[@]} = 0 ] || {
  echo "missing: ${missing[*]}; on Debian: apt-get install iptables nftables conntrack ethtool socat runc containernetworking-plugins iproute2 openssl curl" >&2
  exit 1
}
begun=$(date +%s%N)
# say TEXT… says what is done and how long it took so far.
say() { printf '%6d ms  %s\n' $((($(date +%s%N) - begun) / 1000000)) "$*"; }

"$HERE/down.sh"
mapfile -t tools < <(cd "$ROOT" && go run ./hack/setup kube node containerd dns)
[ -f "$CACHE/images/cluster/pause.tar" ] || (cd "$ROOT" && go run ./hack/images --out "$CACHE/images/cluster" pause >/dev/null)
(cd "$ROOT" && CGO_ENABLED=0 go build -trimpath -o "$CACHE/cluster-policies" ./test/cluster/policies)
begun=$(date +%s%N)
mkdir -p $RUN "$LOGS" "$BIN" "$STATE"/{etcd,containerd,kubelet,cni,certs.d/_default}
chmod 755 "$STATE"
rm -f "$LOGS"/*
for name in hotpod-kube kubectl; do ln -sf "${tools[0]}" "$BIN/$name"; done
ln -sf "${tools[1]}" "$BIN/hotpod-node"
ln -sf "$(dirname "${tools[2]}")"/{containerd,containerd-shim-runc-v2,ctr} "$BIN/"
ln -sf "${tools[3]}" "$BIN/coredns"
ln -sf "$CACHE/cluster-policies" "$BIN/policies"
"$HERE/pki.sh"
"$HERE/config.sh"
say certificates and settings

# The namespace has no way out: a veth pair of which both ends are inside carries the node's address and the default route.
ip netns add $NETNS
inside bash -euc "
ip link set lo up
ip link add node0 type veth peer name node1
ip addr add $NODE_IP/24 dev node0
ip link set node0 up
ip link set node1 up
ip route add default dev node0
sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.route_localnet=1 net.ipv4.ip_local_port_range='15000 29999'
sysctl -qw net.bridge.bridge-nf-call-iptables=1 2>/dev/null || true"

start containerd env PATH="$BIN:$PATH" "$BIN/containerd" --config "$STATE/containerd.toml"
start etcd "$BIN/hotpod-kube" etcd --data-dir "$STATE/etcd" --socket $RUN/etcd.sock
start apiserver "$BIN/hotpod-kube" apiserver --etcd-servers=unix://$RUN/etcd.sock --service-cluster-ip-range=$SERVICE_CIDR \
  --bind-address=0.0.0.0 --advertise-address=$NODE_IP --secure-port=6443 --cert-dir="$STATE/apiserver" \
  --tls-cert-file="$PKI/apiserver.crt" --tls-private-key-file="$PKI/apiserver.key" --client-ca-file="$PKI/ca.crt" \
  --authorization-mode=Node,RBAC --allow-privileged=true --profiling=false \
  --service-account-issuer=https://kubernetes.default.svc.cluster.local \
  --service-account-key-file="$PKI/accounts.pub" --service-account-signing-key-file="$PKI/accounts.key" \
  --kubelet-preferred-address-types=InternalIP --kubelet-client-certificate="$PKI/admin.crt" --kubelet-client-key="$PKI/admin.key" \
  --requestheader-client-ca-file="$PKI/ca.crt" --requestheader-allowed-names=aggregator --requestheader-username-headers=X-Remote-User \
  --requestheader-group-headers=X-Remote-Group --requestheader-extra-headers-prefix=X-Remote-Extra- \
  --proxy-client-cert-file="$PKI/aggregator.crt" --proxy-client-key-file="$PKI/aggregator.key" \
  --audit-policy-file="$STATE/audit.yaml" --audit-log-path="$LOGS/audit.log" --audit-log-maxsize=2000
await 60 ctr version
ctr images import "$CACHE/images/cluster/pause.tar" >/dev/null
say containerd is up
await 120 kubectl get --raw=/readyz
say the API server is ready

as() { echo --kubeconfig="$STATE/$1.kubeconfig" --authentication-kubeconfig="$STATE/$1.kubeconfig" --authorization-kubeconfig="$STATE/$1.kubeconfig" --leader-elect=false; }
start controllers "$BIN/hotpod-kube" controllers $(as controllers) --root-ca-file="$PKI/ca.crt" --cert-dir="$STATE/controllers" \
  --service-account-private-key-file="$PKI/accounts.key" --use-service-account-credentials=true \
  --cluster-signing-cert-file="$PKI/ca.crt" --cluster-signing-key-file="$PKI/ca.key"
start scheduler "$BIN/hotpod-node" scheduler $(as scheduler) --cert-dir="$STATE/scheduler"
mount --make-rshared /
start kubelet "$BIN/hotpod-node" kubelet --config="$STATE/kubelet.yaml" --kubeconfig="$STATE/node.kubeconfig" --hostname-override=node1 \
  --node-ip=$NODE_IP --root-dir="$STATE/kubelet" --cert-dir="$STATE/kubelet-certs"
start proxy "$BIN/hotpod-node" proxy --kubeconfig="$STATE/proxy.kubeconfig" --proxy-mode=iptables --cluster-cidr=$POD_CIDR \
  --hostname-override=node1 --conntrack-max-per-core=0 --nodeport-addresses=127.0.0.0/8,$NODE_IP/32
start dns "$BIN/coredns" -conf "$STATE/Corefile"
start policies "$BIN/policies" --kubeconfig="$STATE/admin.kubeconfig"
await 120 kubectl wait --for=condition=Ready node/node1 --timeout=1s
await 60 kubectl get serviceaccount default -n default
for volume in 1 2 3 4; do
  mkdir -m 777 "$STATE/volume$volume"
  sed "s|\${NAME}|local-$volume|; s|\${PATH}|$STATE/volume$volume|" "$HERE/storage.yaml" | kubectl apply -f - >/dev/null
done
say the node is ready
