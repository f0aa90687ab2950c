#!/usr/bin/env bash
# Says why a cluster cannot be brought up on this machine, and fails; silent where it can.
set -uo pipefail
no() { echo "no cluster of a real node here: $*" >&2; exit 1; }
[ "$(uname -s)" = Linux ] || no 'it needs Linux'
[ "$(id -u)" = 0 ] || no 'it needs root'
for command in iptables nft conntrack ethtool socat runc nsenter ip openssl curl; do
  command -v $command >/dev/null || no "$command is not installed"
done
[ -x /usr/lib/cni/bridge ] || no 'the CNI plugins are not installed (Debian: containernetworking-plugins)'
unshare --net --mount true 2>/dev/null || no 'the kernel forbids network or mount namespaces'
unshare --net sh -c 'ip link add veth0 type veth peer name veth1 && ip link add name bridge0 type bridge' >/dev/null 2>&1 || no 'the kernel has no virtual or bridged network interfaces'
unshare --net sh -c 'iptables -t nat -S && nft list ruleset' >/dev/null 2>&1 || no 'the kernel has no packet filter'
# Both versions of control groups: a memory group of ours must be possible.
for tree in /sys/fs/cgroup/memory /sys/fs/cgroup; do
  if [ -d $tree ]; then
    mkdir "$tree/hotpod-possible" 2>/dev/null && rmdir "$tree/hotpod-possible" || no "control groups below $tree cannot be made"
    break
  fi
done
dir=$(mktemp -d -p "${XDG_CACHE_HOME:-$HOME}") || no 'there is no folder to write to'
trap 'rm -rf "$dir"' EXIT
mkdir "$dir"/{lower,upper,work,all}
unshare --mount mount -t overlay -o "lowerdir=$dir/lower,upperdir=$dir/upper,workdir=$dir/work" overlay "$dir/all" 2>/dev/null || no 'the kernel forbids overlay file systems'
