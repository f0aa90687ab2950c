#!/usr/bin/env bash
# Makes the cluster's certificates and kubeconfigs.
set -euo pipefail
. "$(dirname "$0")/env.sh"
mkdir -p "$PKI" && cd "$PKI"
[ -f ca.crt ] && exit 0
EC="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1"
openssl req -x509 $EC -nodes -keyout ca.key -out ca.crt -days 3650 -subj /CN=hotpod-test-cluster 2>/dev/null

# certificate NAME SUBJECT [NAMES]
certificate() {
  openssl req $EC -nodes -keyout "$1.key" -out "$1.csr" -subj "$2" 2>/dev/null
  printf 'keyUsage=digitalSignature,keyEncipherment\nextendedKeyUsage=serverAuth,clientAuth\n%s\n' "${3:+subjectAltName=$3}" >"$1.ext"
  openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -out "$1.crt" -days 3650 -extfile "$1.ext" 2>/dev/null
}
certificate apiserver /CN=kube-apiserver "IP:127.0.0.1,IP:$NODE_IP,IP:$API_IP,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local"
certificate kubelet /CN=node1 "IP:$NODE_IP,DNS:node1"
certificate admin /O=system:masters/CN=admin
certificate node /O=system:nodes/CN=system:node:node1
certificate controllers /CN=system:kube-controller-manager
certificate scheduler /CN=system:kube-scheduler
certificate proxy /CN=system:kube-proxy
certificate aggregator /CN=aggregator
openssl ecparam -name prime256v1 -genkey -noout -out accounts.key
openssl ec -in accounts.key -pubout -out accounts.pub 2>/dev/null

for user in admin node controllers scheduler proxy; do
  cat >"$STATE/$user.kubeconfig" <<CONFIG
apiVersion: v1
kind: Config
clusters: [{name: test, cluster: {server: "https://127.0.0.1:6443", certificate-authority: $PKI/ca.crt}}]
users: [{name: $user, user: {client-certificate: $PKI/$user.crt, client-key: $PKI/$user.key}}]
contexts: [{name: test, context: {cluster: test, user: $user}}]
current-context: test
CONFIG
done
