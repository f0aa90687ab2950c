#!/usr/bin/env bash
# Writes the settings of the cluster's programs.
set -euo pipefail
. "$(dirname "$0")/env.sh"

# Every image comes from the registry in the cluster's network.
cat >"$STATE/certs.d/_default/hosts.toml" <<TOML
server = "http://$REGISTRY"
[host."http://$REGISTRY"]
  capabilities = ["pull", "resolve"]
TOML

# restrict_oom_score_adj: machines whose root may not lower it.
cat >"$STATE/containerd.toml" <<TOML
version = 3
root = "$STATE/containerd"
state = "$RUN/containerd"
[grpc]
  address = "$SOCKET"
[plugins.'io.containerd.server.v1.grpc']
  address = "$SOCKET"
[plugins.'io.containerd.cri.v1.images']
  snapshotter = "overlayfs"
  [plugins.'io.containerd.cri.v1.images'.registry]
    config_path = "$STATE/certs.d"
  [plugins.'io.containerd.cri.v1.images'.pinned_images]
    sandbox = "docker.io/hotpod/pause:latest"
[plugins.'io.containerd.cri.v1.runtime']
  disable_apparmor = true
  restrict_oom_score_adj = true
  [plugins.'io.containerd.cri.v1.runtime'.cni]
    bin_dirs = ["/usr/lib/cni"]
    conf_dir = "$STATE/cni"
  [plugins.'io.containerd.cri.v1.runtime'.containerd]
    default_runtime_name = "runc"
    [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
        BinaryName = "$(command -v runc)"
        SystemdCgroup = false
TOML

cat >"$STATE/cni/10-bridge.conflist" <<JSON
{"cniVersion": "1.0.0", "name": "bridge", "plugins": [
  {"type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": false, "hairpinMode": true,
   "ipam": {"type": "host-local", "dataDir": "$RUN/cni-ipam", "ranges": [[{"subnet": "$POD_CIDR"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}, "snat": true}]}
JSON

# The names of the cluster are served on the node itself.
echo "nameserver $NODE_IP" >"$STATE/resolv.conf"
cat >"$STATE/Corefile" <<CONFIG
.:53 {
  bind $NODE_IP
  errors
  kubernetes cluster.local in-addr.arpa {
    kubeconfig $STATE/admin.kubeconfig
    ttl 5
  }
  cache 5
}
CONFIG

# failCgroupV1: the kernel may have either version. enforceNodeAllocatable: the node shares the machine with its tests.
cat >"$STATE/kubelet.yaml" <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
failCgroupV1: false
cgroupDriver: cgroupfs
enforceNodeAllocatable: []
containerRuntimeEndpoint: unix://$SOCKET
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $PKI/ca.crt}}
authorization: {mode: AlwaysAllow}
tlsCertFile: $PKI/kubelet.crt
tlsPrivateKeyFile: $PKI/kubelet.key
clusterDomain: cluster.local
clusterDNS: ["$NODE_IP"]
resolvConf: $STATE/resolv.conf
failSwapOn: false
maxPods: 250
serializeImagePulls: false
registryPullQPS: 0
imagePullCredentialsVerificationPolicy: NeverVerify
kubeAPIQPS: 100
kubeAPIBurst: 200
oomScoreAdj: 0
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
evictionHard: {memory.available: 100Mi, nodefs.available: 1%, imagefs.available: 1%, nodefs.inodesFree: 1%}
volumePluginDir: $STATE/kubelet-plugins
YAML

# What the components ask of the API server, for the test of their roles.
cat >"$STATE/audit.yaml" <<YAML
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: Metadata
    userGroups: ["system:serviceaccounts:fission"]
  - level: None
YAML
